-- Refuses rows whose article, store or voucher stood in the list before.
-- Inputs: parsed. Changes: problem.
update temp.main.parsed
set problem = 'it stands in the list before'
from (
    select rowid as row from temp.main.parsed where problem is null and skip is null
    qualify row_number() over (partition by key order by rowid) > 1
) as again
where again.row = parsed.rowid
