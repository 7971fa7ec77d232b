-- Makes a row for customers of whom no list said anything, but who said something themselves.
-- Inputs: told (account_id). Changes: customers.
insert into main.customers (account_id)
select account_id
from temp.main.told
where account_id not in (select account_id from main.customers)
