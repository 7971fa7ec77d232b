-- Takes away receipts that are replaced.
-- Inputs: staged. Changes: lines, receipts.
delete from main.lines
where receipt_id in (select receipt_id from temp.main.staged where standing = 'other' and problem is null);
delete from main.receipts
where receipt_id in (select receipt_id from temp.main.staged where standing = 'other' and problem is null)
