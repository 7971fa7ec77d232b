-- Gives accounts that had no customer number the one that is known now.
-- Inputs: resolved (customer, account_id) of the shop's own numbers. Changes: accounts.
update main.accounts
set external_id = named.customer
from (select account_id, min(customer) as customer from temp.main.resolved group by account_id) as named
where named.account_id = accounts.account_id and accounts.external_id is null
