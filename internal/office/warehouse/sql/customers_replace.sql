-- Keeps what the list says.
-- Inputs: staged. Changes: customers.
delete from main.customers where account_id in (select account_id from temp.main.staged where changed);
insert into main.customers select * exclude (fresh, changed) from temp.main.staged where fresh or changed
