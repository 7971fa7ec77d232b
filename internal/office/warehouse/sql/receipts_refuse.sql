-- Refuses receipts that are known with other content.
-- Inputs: staged. Changes: problem.
update temp.main.staged
set problem = 'its receipt is known with other content; import with --replace to let this one stand'
where standing = 'other' and problem is null
