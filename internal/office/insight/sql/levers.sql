-- Counts customers by what would make them worth more.
-- Inputs: outlooks. Grain: one row per lever. Output: lever, accounts, what it would bring in a window.
select lever, count(*), sum(potential_minor)::bigint
from main.outlooks
where lever is not null
group by lever
order by list_position(['frequency', 'basket', 'cross_sell', 'pamper'], lever)
