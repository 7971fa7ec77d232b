-- Keeps the lines of delivered receipts that are new.
-- Inputs: delivered, delivered_lines. Changes: lines.
insert into main.lines
select
    receipt_id, line_no, nullif(sku, ''), nullif(group_code, ''), quantity::decimal(18, 0) * 0.001, amount::decimal(18, 0) * /*unit*/,
    discount::decimal(18, 0) * /*unit*/, merchandise, kind = 'return' or quantity < 0 or (quantity = 0 and amount < 0), promotion
from temp.main.delivered_lines join temp.main.delivered using (number)
where receipt_id is not null
