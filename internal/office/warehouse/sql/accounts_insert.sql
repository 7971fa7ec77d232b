-- Notes accounts that were not known here, and customer numbers of those that were.
-- Inputs: resolved (customer, account_id). $external: whether `customer` is the shop's own number. Changes: accounts.
insert into main.accounts
select account_id, case when $external then min(customer) end
from temp.main.resolved
where account_id not in (select account_id from main.accounts)
group by account_id
