"""What people paste into chats, kind by kind: real formats, invented contents."""

from __future__ import annotations

PASTED: dict[str, str] = {
    "fence": "```python\nprint('I hate this')\n```",
    "fence of tildes": '~~~json\n{"a": 1}\n~~~',
    "fence with a longer mark": "````markdown\n```python\nx\n```\nThis is inside of it\n````",
    "fence in a list": "   ```sh\n   make test\n   ```",
    "fence never closed": "```python\nfor x in y:\n    print(x)",
    "python": """Traceback (most recent call last):
  File "/app/main.py", line 12, in <module>
    run(the_job)
    ~~~^^^^^^^^^
  File "/app/run.py", line 4, in run
    raise ValueError("we do not like this value at all")
ValueError: we do not like this value at all

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/main.py", line 14, in <module>
    stop()
  [Previous line repeated 12 more times]
app.errors.StopFailed: it did not stop""",
    "python without indentation": """Traceback (most recent call last):
File "main.py", line 3, in <module>
x = 1 / 0
ZeroDivisionError: division by zero""",
    "python syntax": '  File "bad.py", line 3\n    prin("x"\n        ^\nSyntaxError: \'(\' was never closed',
    "pytest": ">       assert total == 3\nE       AssertionError: assert 2 == 3\nE        +  where 2 = f()",
    "java": """Exception in thread "main" java.lang.IllegalStateException: nobody told me why
\tat com.example.shop.Cart.add(Cart.java:42)
\tat com.example.shop.Main.main(Main.java:7)
Caused by: java.lang.NullPointerException
\tat com.example.shop.Price.of(Price.java:3)
\t... 2 more""",
    "kotlin": """kotlin.UninitializedPropertyAccessException: lateinit property has not been initialized
    at app//com.example.Main$run$1.invokeSuspend(Main.kt:12)
    at java.base/java.lang.Thread.run(Thread.java:829)""",
    "node": """Uncaught TypeError: Cannot read properties of undefined (reading 'name')
    at getUser (/srv/app/user.js:10:15)
    at async Promise.all (index 0)
    at Object.<anonymous> (/srv/app/index.js:3:1)
    at node:internal/main/run_main_module:23:47

Node.js v20.1.0""",
    "browser": "TypeError: a is null\nrender@https://example.com/static/app.js:12:34\n@https://example.com/static/app.js:40:2",
    "go": """panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48f0a5]

goroutine 1 [running]:
main.(*Server).Serve(0xc0000140a8, {0x4c2d20, 0x5})
\t/home/me/app/server.go:21 +0x1d
main.main()
\t/home/me/app/main.go:9 +0x65
exit status 2""",
    "rust": """thread 'main' panicked at src/main.rs:4:5:
stack backtrace:
   0: rust_begin_unwind
             at /rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library/std/src/panicking.rs:584:5
   1: core::panicking::panic_fmt
             at ./src/main.rs:4:5
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace""",
    "c#": """System.InvalidOperationException: Sequence contains no elements
   at System.Linq.Enumerable.First[TSource](IEnumerable`1 source)
   at Shop.Cart.Total(Int32 a, String b) in C:\\src\\Shop\\Cart.cs:line 31
   --- End of inner exception stack trace ---
   at Shop.Program.Main(String[] args) in C:\\src\\Shop\\Program.cs:line 8""",
    "ruby": """app/models/user.rb:12:in `name': undefined method `first' for nil:NilClass (NoMethodError)
\tfrom app/models/user.rb:30:in `block in greet'
\tfrom bin/rails:4:in `<main>'""",
    "php": """PHP Fatal error:  Uncaught Exception: nope in /var/www/index.php:3
Stack trace:
#0 /var/www/index.php(8): run()
#1 {main}
  thrown in /var/www/index.php on line 3""",
    "log with levels": "2026-01-05 10:00:01,123 ERROR app.db - connection to the server was refused\n"
    "2026-01-05T10:00:02.5Z [WARN] retrying because nobody answered",
    "log line": "[2026-01-05 10:00:01] ERROR: the worker has died and nobody knows why",
    "log without levels": "2026-01-05 10:00:01 the server has been started\n2026-01-05 10:00:02 it waits for requests\n"
    "2026-01-05 10:00:09 the server is going down",
    "log of levels": "INFO: starting up the thing\nWARNING: this is not good at all\nERROR: it is broken now",
    "syslog": "Jan  5 10:00:01 web-1 sshd[812]: Failed password for invalid user admin from 10.0.0.8 port 22",
    "nginx access": '10.0.0.1 - - [05/Jan/2026:10:00:01 +0000] "GET /index.html HTTP/1.1" 500 612 "-" "curl/8.0"',
    "nginx error": "2026/01/05 10:00:01 [error] 31#31: *1 connect() failed (111: Connection refused) while connecting",
    "json log": '{"level":"error","ts":"2026-01-05T10:00:01Z","msg":"we have lost the connection to the database"}',
    "logfmt": 'ts=2026-01-05T10:00:01Z level=error msg="it did not work" caller=main.go:3',
    "kubernetes": "E0105 10:00:01.123456       1 reflector.go:138] Failed to watch the pods of this node",
    "npm": "npm ERR! code ERESOLVE\nnpm ERR! unable to resolve the dependency tree of this project",
    "diff": """diff --git a/app/main.py b/app/main.py
index 83db48f..bf2a1c0 100644
--- a/app/main.py
+++ b/app/main.py
@@ -1,3 +1,4 @@ def main():
 I have never liked this line
-and this one is going away
+and this one is the new one
+which makes me very happy
 the end of it""",
    "search and replace": "<<<<<<< SEARCH\nold code that was bad\n=======\nnew code that is good\n>>>>>>> REPLACE",
    "conflict": "<<<<<<< HEAD\nwhat I did\n=======\nwhat they did\n>>>>>>> feature/x",
    "quote": "> I think that this is awful.\n>\n> > Really? I like it a lot.\n> Yes.",
    "mail": "On Mon, Jan 5, 2026 at 10:00 AM Ann Example <ann@example.com> wrote:\n\n> Please send me all the money.\n> Ann",
    "mail over two lines": "On Mon, Jan 5, 2026 at 10:00 AM Ann Example\n<ann@example.com> wrote:\n> Please send me all of it.",
    "German mail": "Am 05.01.2026 um 10:00 schrieb Anna Beispiel <anna@example.com>:\n> Das gefällt mir alles gar nicht.",
    "mail header": "-----Original Message-----\nFrom: Ann Example\nSent: Monday, January 5, 2026\nTo: Me\nSubject: the bad news",
    "json": '{\n  "id": 12,\n  "text": "I am so unhappy with all of you",\n  "tags": [\n    "a",\n    "b"\n  ]\n}',
    "json in a line": '{"id": 12, "text": "I am so unhappy with all of you", "tags": ["a", "b"], '
    '"more": {"deep": [1, 2, 3]}, "end": null}',
    "json cut off": '{"id": 12, "text": "I am so unhappy with all of you", "tags": ["a", "b"], "more": {"deep": "and then it sto',
    "python repr": "{'id': 12, 'text': 'I am so unhappy with all of you', 'tags': ['a', 'b'], "
    "'more': {'deep': (1, 2)}, 'end': None}",
    "xml": '<?xml version="1.0"?>\n<order id="12">\n  <item sku="a-1"/>\n  <price currency="EUR">12.50</price>\n</order>',
    "xml in a line": '<order id="12"><item sku="a-1"/><price currency="EUR">12.50</price><state>open</state></order>'
    + " " * 20
    + "<end/>",
    "base64": "aGVsbG8gd29ybGQgdGhpcyBpcyBhIHRlc3Qgb2Ygc29tZSBiYXNlNjQgZW5jb2RlZCB0ZXh0IHRoYXQg" * 2,
    "base64 over lines": "aGVsbG8gd29ybGQgdGhpcyBpcyBhIHRlc3Qgb2Ygc29tZSBiYXNl\n"
    "NjQgZW5jb2RlZCB0ZXh0IHRoYXQgZ29lcyBvbiBhbmQgb24gYW5k",
    "data url": "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4" * 3,
    "hex": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" * 2,
    "key": "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK\nshort+end==\n-----END PUBLIC KEY-----",
    "hex dump": "00000000  7f 45 4c 46 02 01 01 00  |.ELF....|\n00000010  03 00 3e 00 01 00 00 00  |..>.....|",
    "tool output": "[tool output]\nexit_code=1\n/tmp/a.txt:3\n",
    "tool output closed": "[tool_result]\nthe file was not found anywhere\n[/tool_result]",
    "tool tags": "<tool_result>\nthe file was not found anywhere\n</tool_result>",
    "terminal": "me@laptop:~/src$ make test\n(venv) me@laptop:~/src$ ls\n-rw-r--r-- 1 me me 612 Jan  5 10:00 main.py",
    "prompt": "$ git push --force origin main",
    "python prompt": ">>> import this\n>>> 1 + 1",
    "windows prompt": "C:\\Users\\me>dir /w",
    "agent": "[File: /repo/main.py (2 lines total)]\n1:import os\n2:os.remove('x')\n(Open file: /repo/main.py)\n"
    "(Current directory: /repo)\nbash-$",
    "numbered lines": '11:def add(a, b):\n12:    """Adds two numbers to each other."""\n13:    return a + b\n14:',
    "psql": " id | name  | state\n----+-------+-------\n 12 | Ann   | open\n 13 | Bo    | shut\n(2 rows)",
    "mysql": "+----+------+\n| id | name |\n+----+------+\n| 12 | Ann  |\n+----+------+",
    "columns": "NAME    READY   STATUS    AGE\nweb-1   1/1     Running   3d\nweb-2   0/1     Pending   3d\n"
    "db-0    1/1     Running   9d",
    "code": "import os\n\ndef main():\n    x = os.getcwd()\n    if x:\n        print(x)\n    return x",
    "java code": "public class Main {\n    public static void main(String[] args) {\n"
    "        System.out.println(args[0]);\n    }\n}",
    "sql": "SELECT name, count(*)\nFROM users\nWHERE id = 3;\nUPDATE users SET name = 'x';\nDELETE FROM users;",
}

# Nothing in these was pasted, or not so surely that it may go.
OWN: dict[str, str] = {
    "an error by name": "I get this:\nTypeError: x is not a function\nwhat does it mean?",
    "an error in a sentence": "It says Error: cannot open the file, and then a NullPointerException at startup.",
    "inline code": "why does `foo(bar)` not work, and ```baz``` neither?",
    "marks in a sentence": "finding the shell ``` blocks does not work\nit goes line by line\nand not by ``` at all",
    "a list": "1. I want my money back\n2. I want it today\n3. you know the rest",
    "a list with colons": "1: I want my money back\n2: I want it today\n3: you know the rest",
    "a list of dashes": "- first I tried this\n- then I tried that\n+ and it was bad",
    "more than": "> 90% of them fail on my machine",
    "an angry face": ">:( this is so bad",
    "greentext": ">be me\n>it does not work",
    "a chat with times": "[10:01] Ann: hello there\n[10:02] Bo: I am so unhappy\n[10:03] Ann: why is that",
    "a chat with dates": "2026-01-05 10:00:01 Ann: hello there\n2026-01-05 10:00:02 Bo: I am sad\n2026-01-05 10:00:03 Ann: oh",
    "a diary": "2026-01-05 was a bad day.\n2026-01-06 was worse.\n2026-01-07 I cried.",
    "a warning": "WARNING: do not eat this, I nearly died",
    "fields": "Name: Ann Example\nOrder: 12345\nProblem: it arrived broken and I am angry",
    "a price": "$ 50 is too much for that",
    "at places": "at the store (near home)\nat work.today (again)",
    "laughing": "ha" * 200,
    "screaming": "n" + "o" * 300,
    "json in a sentence": 'should it be {"a": 1} or {"b": 2}?',
    "quoted words": '"I love it",\nshe said, and then\n"I hate it".',
    "html": "<p>I am really unhappy with this</p>\n<p>and so is my whole family</p>\n<p>please do something now</p>",
    "a poem": "roses are red,\n    violets are blue,\n        this does not work,\n            what shall I do",
    "math": "let x = 3\nthen 2x = 6, I think",
    "emphasis": "** really **\n---\n## this is bad\n***",
    "a title": "My problem\n~~~~~~~~~~\nIt does not work at all\n==========\nPlease help me",
    "arrows": ">> read this please",
    "an email that is told": "On Monday my boss wrote:\nyou are fired.\nI am so sad.",
    "an address": "me@example.com is my mail: please write to me, it costs $ 5",
    "a table of feelings": "| day | how it went for me |\n| Monday | I was really sad all day |",
    "sentences with colons": "if you ask me:\nfor example this:\nwhile I am here:\nreturn my money please",
    "import in a sentence": "import the file and then\nfrom there import nothing else\nclass is over, I am glad",
    "chinese": "我真的很不喜欢这个:\n为什么总是出错?\n请帮帮我。",
    "numbers": "12345",
    "a face": ":(",
    "only marks": "???",
    "tabs": "I\tam\tsad",
    "a dialogue": "me: hi there\nyou: what is it?\nme: it is broken again",
}
