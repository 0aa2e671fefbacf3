"""Flowcharts as language models write them, tidy and untidy."""

from __future__ import annotations

WRITTEN_BY_MODELS: dict[str, str] = {
    "tidy": 'flowchart TD\n  a["User asks for a refund"] --> b[["get_order"]]\n  b -->|"not found"| c(["Refused"])',
    "fenced": "Here it is:\n```mermaid\nflowchart TD\n    A[Start] --> B[Look up]\n    B --> C[End]\n```\nDone.",
    "graph left to right": "graph LR;\n A-->B;\n B-->C;",
    "one line": "flowchart TD; A[Ask] --> B[Answer]; B --> C((Done))",
    "a chain": "flowchart TD\nA[User asks] --> B[Agent thinks] --> C[Tool runs] --> D[Answer]",
    "label between dashes": "flowchart TD\nA{Found?} -- yes --> B[Refund]\nA -- no, not at all --> C[Refuse]",
    "thick and dotted": "flowchart TD\nA ==> B\nB -.-> C\nC -. retry .-> A\nC == gives up ==> D\nD --- E\nE --x F\nF --o G",
    "groups": "flowchart TD\nA & B --> C & D",
    "subgraphs": "flowchart TD\nsubgraph Agent [The agent]\n direction LR\n A[Plan] --> B[Act]\nend\nB --> C[User]",
    "styled": "flowchart TD\n%% the flow\nA[Ask]:::hot --> B[Answer]\nclassDef hot fill:#f96,stroke:#333;\n"
    'class B hot\nstyle A fill:#fff\nlinkStyle 0 stroke:red\nclick A href "https://x.example"',
    "parentheses unquoted": "flowchart TD\nA[call get_order(id=5)] --> B[result (empty) seen]",
    "quotes in quotes": 'flowchart TD\nA["User says "stop" twice"] --> B[Done]',
    "brackets in brackets": "flowchart TD\nA[list[0] is wrong] --> B{is {it} so?} --> C[ok]",
    "every shape": "flowchart TD\nA(round) --> B([stadium]) --> C[[sub]] --> D[(base)] --> E((circle)) --> F>flag]\n"
    "F --> G{rhombus} --> H{{hexagon}} --> I[/lean/] --> J[\\back\\] --> K[/trap\\] --> L[\\alt/] --> M(((double)))",
    "line breaks": 'flowchart TD\nA["first<br/>second"] --> B["third<br>fourth"]',
    "entities": 'flowchart TD\nA["say #quot;hi#quot; #35;1"] --> B["a &amp; b"]',
    "new shapes": 'flowchart TD\nA@{ shape: hex, label: "Failed" } --> B@{ shape: rect }',
    "unicode ids": "flowchart TD\nбегин[Начало] --> 終[終わり]",
    "ids with dashes": "flowchart TD\nstep-1[One] --> step-2[Two]\nstep-2-->step_3",
    "a loop": "flowchart TD\nA[Ask] --> B[Retry]\nB --> B\nB -->|5 times| A",
    "no header": "A[Ask] --> B[Answer]",
    "escaped line ends": "flowchart TD\\nA[Ask] --> B[Answer]\\nB --> C[End]",
    "short arrows": "flowchart TD\nA[Ask] -> B[Answer]\nB → C[End]",
    "front matter": "---\ntitle: Flow\n---\nflowchart TD\nA --> B",
    "directive": "%%{init: {'theme': 'dark'}}%%\nflowchart TD\nA --> B",
    "both ways": 'flowchart TD\nA <--> B\nA --> |"why"| C',
    "end as a label": "flowchart TD\nA[Ask] --> B[end]\nB --> fin([End])",
    "markdown": 'flowchart TD\nA["`**bold** ask`"] --> B["1. look up"]',
    "long arrows": "flowchart TD\nA ----> B\nB -...-> C\nC ====> D",
    "single node": 'flowchart TD\nA["Nothing happened"]',
}
