-- Notes one rule of what is bought together.
-- Inputs: the rule; $left_items with chr(31) between. Grain: one row. Changes: affinities.
insert into main.affinities
values ($rank, string_split($left_items, chr(31)), $right_item, $receipts, $left_receipts, $right_receipts, $all_receipts)
