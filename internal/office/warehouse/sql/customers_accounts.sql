-- Notes accounts that were not known here, and customer numbers of those that were.
-- Inputs: resolved (customer, account_id), $external: whether customers are named by the shop's own number. Changes: accounts.
insert into main.accounts
select account_id, min(customer)
from temp.main.resolved
where account_id not in (select account_id from main.accounts)
group by account_id;
update main.accounts
set external_id = named.customer
from (select account_id, min(customer) as customer from temp.main.resolved group by account_id) as named
where $external and named.account_id = accounts.account_id and accounts.external_id is null
