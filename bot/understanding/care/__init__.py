"""Care of the training data before a training: what is wrong with the rows, and mending it in their files.

corpus          rows with the file and line they stand in
findings        what a check reports: a kind, rows, what to do, and a fix where one can be applied
duplicates, intents, lengths, languages, privacy      the fast part: no model
crossvalidation, neighbours                           what a frozen encoder makes of the rows
contradictions, overlap                               what follows from it
checking        all of them, in one report
editing, yaml_lines, table_lines, accepting           a fix, applied to the lines it concerns and to no other
page            the report as a page
"""
