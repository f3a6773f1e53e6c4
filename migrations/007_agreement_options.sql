-- Runs of before learned a word's soft tags as its recognizers gave them: each row shows every option, and resumes with them.

update "Run" set "options" = '{"formShare": 0, "neighbourShare": 0}'::jsonb || "options";
