-- Notes the rules of what is bought together.
-- Inputs: together, whose left items stand with chr(31) between; $receipts, how many were learnt from. Grain: one row per rule. Changes:
-- affinities.
insert into main.affinities
select rank, string_split(left_items, chr(31)), right_item, receipts, left_receipts, right_receipts, $receipts
from temp.main.together
order by rank
