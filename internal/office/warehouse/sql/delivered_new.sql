-- Gives delivered receipts that are not here yet their ids, and finds out which of them a list told of.
-- Inputs: delivered, receipts. Output: delivered with receipt_id (null when it is here already, or came twice) and imported.
create or replace temp table delivered as
select delivered.*,
    case when before.store is null and row_number() over same = 1
        then (select coalesce(max(receipt_id), 0) from main.receipts) + number end as receipt_id,
    listed.store is not null as imported
from temp.main.delivered
left join (
    select store, till, till_epoch, business_date, receipt_no, fork from main.receipts where source = 'delivered'
) as before using (store, till, till_epoch, business_date, receipt_no, fork)
left join (
    select distinct store, till, business_date, receipt_no from main.receipts where source = 'imported'
) as listed using (store, till, business_date, receipt_no)
window same as (partition by store, till, till_epoch, business_date, receipt_no, fork order by number)
