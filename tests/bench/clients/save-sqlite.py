"""Entries on standard input to the table entries of the database in argv[1]."""
import json
import sqlite3
import sys

db = sqlite3.connect(sys.argv[1])
db.execute("create table entries(id, directory, keyword, text)")
db.executemany(
    "insert into entries values(:id, :directory, :keyword, :text)",
    map(json.loads, sys.stdin),
)
db.commit()
