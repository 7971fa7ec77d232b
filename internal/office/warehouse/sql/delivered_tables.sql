-- Makes the tables that delivered receipts come in by.
-- Grain: one row per receipt; one row per line, amounts in minor units, quantities in thousandths.
create temp table delivered (
    number bigint, store varchar, till varchar, till_epoch uinteger, business_date date, receipt_no varchar, fork uinteger, kind varchar,
    account_id uuid, currency varchar, sold_at timestamp,
    original_store varchar, original_till varchar, original_business_date date, original_receipt_no varchar
);
create temp table delivered_lines (
    number bigint, line_no integer, sku varchar, group_code varchar, quantity bigint, amount bigint, discount bigint,
    merchandise boolean, promotion boolean
)
