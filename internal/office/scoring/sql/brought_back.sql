-- Gathers the sales that came back whole: all their goods, by returns that name them, whoever brought them.
-- Inputs: receipts, voided; $as_of, the last day; $currency; $remove, whether it matters. Grain: one row per such sale. Output: brought_back.
create temp table brought_back as
with back as (
    select original_receipt_no, original_store, original_till, original_business_date, receipt_id, account_id, business_date, returned
    from main.receipts
    anti join temp.main.voided
        on voided.original_receipt_no = receipts.receipt_no and voided.original_store = receipts.store
            and voided.original_till = receipts.till and voided.original_business_date = receipts.business_date
    where receipts.original_receipt_no is not null and $remove and kind in ('sale', 'return') and not superseded
        and business_date <= date '1970-01-01' + $as_of::integer and (currency is null or currency = $currency)
)
select sale.receipt_id
from main.receipts as sale
join back
    on back.original_receipt_no = sale.receipt_no and back.original_store = sale.store and back.receipt_id <> sale.receipt_id
        and coalesce(back.original_till = sale.till, true)
        -- A return that names no day is of the account's own.
        and coalesce(back.original_business_date = sale.business_date,
            back.account_id = sale.account_id and sale.business_date <= back.business_date)
where sale.kind = 'sale' and not sale.superseded
group by sale.receipt_id
having any_value(sale.sold + sale.returned) + sum(back.returned) <= 0
