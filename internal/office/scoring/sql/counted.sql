-- Says what counts, for scores and for all else that is told of customers: sales and returns up to a day, in the chain's own currency, that no
-- other receipt made void and that no list told of as well.
-- Inputs: receipts, voided, brought_back, sensitive (what is left out of a receipt). Grain: one row per receipt. Output: counted, a view of the last
-- day and the currency: the receipt; any_visit, whether it is a visit (something was bought that was not all brought back); visit, whether it is
-- one without what is sensitive; sensitive_sold and sensitive_returned, null where there is nothing of the kind.
create temp macro counted(as_of, chain_currency) as table
select
    receipts.receipt_id, account_id, store, business_date, sold_at, channel, receipts.sold, receipts.returned,
    kind = 'sale' and receipts.bought > 0 and brought_back.receipt_id is null as any_visit,
    any_visit and receipts.bought > coalesce(sensitive.bought, 0) as visit,
    sensitive.sold as sensitive_sold, sensitive.returned as sensitive_returned
from main.receipts
anti join temp.main.voided
    on voided.original_receipt_no = receipts.receipt_no and voided.original_store = receipts.store
        and voided.original_till = receipts.till and voided.original_business_date = receipts.business_date
left join temp.main.brought_back on brought_back.receipt_id = receipts.receipt_id
left join temp.main.sensitive on sensitive.receipt_id = receipts.receipt_id
where kind in ('sale', 'return') and not superseded
    and business_date <= date '1970-01-01' + as_of::integer and (currency is null or currency = chain_currency)
