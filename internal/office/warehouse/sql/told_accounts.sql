-- Notes accounts of which something was told and that were not known here.
-- Inputs: told (account_id). Changes: accounts.
insert into main.accounts
select account_id, null::varchar
from temp.main.told
where account_id not in (select account_id from main.accounts)
