-- Gathers the receipts that tell what customers do: all of the past, of everybody who may be scored, and of nobody in particular.
-- Inputs: receipts, scores, sensitive (what is left out of a receipt); $as_of, the last day; $currency; $remove, whether a receipt that came back whole is no visit. Grain: one row per
-- receipt. Output: purchases: whose it is (null for an anonymous one), when and where, whether it was a visit, and what was bought and brought
-- back.
create temp table purchases as
with voided as (
    select original_store, original_till, original_business_date, original_receipt_no
    from main.receipts
    where kind = 'post_void' and original_receipt_no is not null and business_date <= date '1970-01-01' + $as_of::integer
), counted as not materialized (
    select receipts.*
    from main.receipts
    anti join voided
        on voided.original_receipt_no = receipts.receipt_no and voided.original_store = receipts.store
            and voided.original_till = receipts.till and voided.original_business_date = receipts.business_date
    left join main.scores on scores.account_id = receipts.account_id
    where kind in ('sale', 'return') and not superseded and (receipts.account_id is null or standing in ('scored', 'lapsed'))
        and business_date <= date '1970-01-01' + $as_of::integer and (currency is null or currency = $currency)
), back as (
    select original_receipt_no, original_store, original_till, original_business_date, receipt_id, account_id, business_date, returned
    from counted
    where original_receipt_no is not null and $remove
), brought_back as (
    -- Sales that came back whole: all their goods, by returns that name them.
    select sale.receipt_id
    from counted as sale
    join back
        on back.original_receipt_no = sale.receipt_no and back.original_store = sale.store and back.receipt_id <> sale.receipt_id
            and coalesce(back.original_till = sale.till, true)
            -- A return that names no day is of the account's own.
            and coalesce(back.original_business_date = sale.business_date,
                back.account_id = sale.account_id and sale.business_date <= back.business_date)
    where sale.kind = 'sale'
    group by sale.receipt_id
    having any_value(sale.sold + sale.returned) + sum(back.returned) <= 0
)
select
    receipt_id, account_id, store, business_date, sold_at,
    kind = 'sale' and counted.bought > coalesce(sensitive.bought, 0) and brought_back.receipt_id is null as visit,
    counted.sold - coalesce(sensitive.sold, 0) as sold, counted.returned - coalesce(sensitive.returned, 0) as returned
from counted left join brought_back using (receipt_id) left join temp.main.sensitive using (receipt_id)
