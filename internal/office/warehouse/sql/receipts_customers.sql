-- Lists the customers of receipts that are taken.
-- Inputs: staged. Grain: one row per customer. Output: wanted (customer).
create temp table wanted as
select distinct customer
from temp.main.staged
where customer is not null and problem is null and standing in ('new', 'other')
order by customer
