-- Counts what is known per store and day.
-- Inputs: receipts; $first and $last, days since 1970-01-01, both included. Grain: one row per store and day with a sale or return. Output:
-- store, day as days since 1970-01-01, receipts, what they come to in ten-thousandths.
select store, (business_date - date '1970-01-01')::integer, count(*), sum((sold + returned) * 10000)::bigint
from main.receipts
where kind in ('sale', 'return') and not superseded
    and business_date between date '1970-01-01' + $first::integer and date '1970-01-01' + $last::integer
group by all
order by 1, 2
