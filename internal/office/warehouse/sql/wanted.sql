-- Reads a stretch of the customers whose account is asked for.
-- Inputs: wanted, $first, $after. Grain: one row per customer. Output: customer.
select customer from temp.main.wanted where rowid >= $first and rowid < $after order by rowid
