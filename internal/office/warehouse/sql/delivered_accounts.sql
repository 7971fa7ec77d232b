-- Notes accounts that were not known here.
-- Inputs: delivered. Changes: accounts.
insert into main.accounts
select distinct account_id, null::varchar
from temp.main.delivered
where account_id is not null and account_id not in (select account_id from main.accounts)
