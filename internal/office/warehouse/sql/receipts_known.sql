-- Finds the receipts that are known already.
-- Inputs: staged, receipts. Changes: standing and, for those that are known, receipt_id.
update temp.main.staged
set standing = case when known.receipt_id is null then 'new' when known.content = same.content then 'known' else 'other' end,
    receipt_id = known.receipt_id
from temp.main.staged as same
left join main.receipts as known
    on known.source = 'imported' and known.store = same.store and known.till = same.till
    and known.business_date = same.business_date and known.receipt_no = same.receipt_no
where same.rowid = staged.rowid
