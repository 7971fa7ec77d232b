-- Gives the receipts that are taken their ids, in the order of the list.
-- Inputs: staged, receipts. Changes: receipt_id.
update temp.main.staged
set receipt_id = numbered.receipt_id
from (
    select rowid as row, (select coalesce(max(receipt_id), 0) from main.receipts) + row_number() over (order by rowid) as receipt_id
    from temp.main.staged
    where problem is null and standing in ('new', 'other')
) as numbered
where numbered.row = staged.rowid
