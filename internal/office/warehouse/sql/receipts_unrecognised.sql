-- Refuses receipts whose customer's card (or phone, …) is none.
-- Inputs: staged, wanted, unrecognised (customer, canonical; null when it is none). Changes: staged.problem, wanted.
update temp.main.staged
set problem = 'its customer is not an identifier the programme knows'
where problem is null and customer in (select customer from temp.main.unrecognised where canonical is null);
create or replace temp table wanted as
select customer from temp.main.unrecognised where canonical is not null order by customer
