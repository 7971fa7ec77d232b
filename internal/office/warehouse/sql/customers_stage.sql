-- Puts what the list says beside what was known. Two rows that lead to one account: the first counts.
-- Inputs: parsed, resolved (row, account_id), customers. Grain: one row per account. Output: staged.
create temp table staged as
select
    resolved.account_id,
    known.account_id is null as fresh,
    known.account_id is not null and (/*changed*/) as changed,
    /*fields*/
from temp.main.resolved
join temp.main.parsed on parsed.rowid = resolved.row
left join main.customers as known on known.account_id = resolved.account_id
qualify row_number() over (partition by resolved.account_id order by resolved.row) = 1
