-- Reads a stretch of the customers that can be taken.
-- Inputs: parsed, $first, $after. Grain: one row per customer. Output: row, customer, cards (null where a column is empty).
select rowid, customer, cards
from temp.main.parsed
where rowid >= $first and rowid < $after and problem is null and skip is null
order by rowid
