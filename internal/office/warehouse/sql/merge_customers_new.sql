-- Makes a row for an account that another is merged into and of which no list said anything.
-- Inputs: $into. Changes: customers.
insert into main.customers (account_id)
select $into::uuid
where $into::uuid not in (select account_id from main.customers)
