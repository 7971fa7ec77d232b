-- Tells what stands at places among the values of all who are scored, in ascending order.
-- Inputs: measured, $places (from 0, with commas between). Grain: one row per place. Output: place, value.
with ordered as (
    select row_number() over (order by /*value*/) - 1 as place, /*value*/ as value
    from temp.main.measured
    where standing = 'scored'
)
select place, value
from ordered
where place in (select unnest(string_split($places, ','))::bigint)
