-- Runs of before averaged no weights: each row shows every option, and resumes with them.

update "Run" set "options" = '{"averagedShare": 0}'::jsonb || "options";
