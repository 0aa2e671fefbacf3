"""What English sentences look like that greet, ask, refuse or thank. Texts of other languages match none of it, and are read
by their punctuation, place and length alone."""

from __future__ import annotations

import re


def _any(*parts: str, begin: str = r"\b", end: str = r"\b") -> re.Pattern[str]:
    return re.compile(f"{begin}(?:{'|'.join(parts)}){end}", re.IGNORECASE)


_SORRY = r"i(?:['’]m| am) (?:sorry|afraid|unable)|i apologi[sz]e(?! for (?:the|any|my))|i can(?:['’]t|not)"

GREETING = _any(
    "hi|hello|hey|hiya|dear|good (?:morning|afternoon|evening|day)|greetings|sure|certainly|of course|absolutely|great",
    "i apologi[sz]e for (?:the|any|my) (?:earlier )?(?:confusion|mistake|oversight|inconvenience|error)|you['’]re right",
    "okay|ok|thanks|thank you|you['’]re welcome|i(?:['’]m| am) (?:glad|happy)|no problem|i understand",
    "hallo|hola|bonjour|ciao|olá|danke|gracias|merci",
    begin="^",
)
SMALL_TALK = _any(
    r"(?:how are you|how(?:['’]s| is) it going|how do you do|what['’]s up)\b",
    r"can you help(?: me)?\s*\?",
    r"i(?:['’]m| am)? (?:need|looking for)(?: (?:your|some))? help\W*$",
    begin=r"(?:(?:hi|hello|hey|good \w+|there)\b[^a-z]*)*",
    end="",
)
COURTESY = _any(
    "anything else|further assist|let me know|feel free|don['’]t hesitate|do not hesitate|hope this helps|take care",
    "have a (?:great|nice|good|wonderful)|is there any |you(?:['’]re| are) (?:very |most )?welcome|my pleasure|good ?bye",
    "happy to help|need (?:more|any) help|any (?:other )?questions",
    begin="",
    end="",
)
THANKS = re.compile(r"thank|great|perfect|awesome|appreciate|that['’]?s all|bye", re.IGNORECASE)
ASKS_YOU = _any("(?:can|could|would|will) (?:you|i|we)", "please")
WANTS = _any(
    "need|want|wish|would like|(?:i|we)['’]d (?:like|love)|like to|looking for|trying to|hoping|help me|how to"
)
# "Can you help me with that?" asks for what another sentence says.
POINTS_ELSEWHERE = _any(
    "that|this|it|them|both|those|these|something|you", end=r"\b(?: out| for me| requests?| please)*\W*$"
)
ORDERS = _any(
    "write|explain|create|make|give|tell|show|find|fix|add|change|cancel|return|exchange|refund|describe|list|generate",
    "translate|summari[sz]e|compare|implement|update|remove|use|let|track|search|plan|design",
    begin="(?:please )?",
)
# An answer to "which order?" is no new request.
ASKS_AGAIN = re.compile(
    r"\?|？|؟|\b(?:also|instead|actually|another|what about|can you|could you|i(?:['’]d| would) like|i (?:also )?(?:need|want)|"
    r"please|change|cancel|return|exchange|refund|add|remove|make|write|give|show|fix|explain|now)\b",
    re.IGNORECASE,
)
CONFIRMS = _any(
    "yes|yeah|yep|yup|ok|okay|sure|alright|great|perfect|go ahead|please proceed|proceed|sounds good|that works|correct",
    "let['’]?s (?:do|move|go|proceed|get)|that['’]s (?:fine|correct|right)|confirm|no thank|thank|thanks",
    begin="^",
)
ANNOUNCES = re.compile(r"\b(?:following|below)\b[^.]*\.?$|:$", re.IGNORECASE)
REPORTS = _any("has been|have been|was|were|is now|successfully|i['’]ve|i have|here is|here are")
FEELS = _any(
    "frustrat|ridiculous|disappoint|damn|stupid|unhappy|not happy|unacceptable|worst|terribl|annoy|hurry|ugh|awful|angry",
    r"upset|worr|sad\b|tired|waste|useless|broken|hate|overwhelm|stress|sorry|love|great|perfect|thank|amazing|awesome",
    end="",
)
REFUSES = _any(
    _SORRY,
    "unfortunately|i(?:['’]m| am) not able|unable to|not (?:possible|allowed|permitted|eligible)|can(?:not|['’]t) be",
    "couldn['’]t (?:find|locate)",
)
# In a chat that only tells things, "unable to" is seldom a refusal.
DECLINES = _any(_SORRY, r"(?:sorry|unfortunately),? .{0,80}\bi", begin="^")
HANDED_OVER = _any(
    "(?:been|being|be|am|i['’]m|i['’]ve|i have|will(?: now)?) (?:transferr?(?:ed|ring)?|escalat(?:e|ed|ing)|connect(?:ed|ing)?)",
    end=r"\b.{0,40}\b(?:human|agent|person|representative|specialist|team)",
)

OPENINGS = _any(
    "hi|hello|hey|hiya|dear|good (?:morning|afternoon|evening|day)|thanks|thank you|please|ok|okay|well|um+|uh|so|oh|yes|no",
    "sure|actually|great|perfect|alright|and|but|also|then|hmm|quick question|specifically|by the way|basically|additionally",
    begin="^(?:",
    end=r"\b(?: there| again| everyone| team| all)?[\s,!.…:;—–-]*)+",
)
_FOR_ME = "(?: (?:help|assist) me(?: out)?(?: with| to| in)?)?"
_SO_THAT = "(?: (?:to|(?:some |your )?help (?:with|to)|you to|(?:if )?you (?:could|can)))?"
LEADS = _any(
    "(?:i|we)(?:['’]d| would| do| was| am)?(?: just| really| also)* (?:like|love|want|need|wish|have|hoping|wondering|hope)"
    f"{_SO_THAT}{_FOR_ME}(?: be able to)?",
    "(?:i|we)(?: am| are|['’]m|['’]re)(?: currently| just)? (?:looking|trying|calling|hoping|wondering|writing|going)"
    "(?: (?:to|for|about|if))?",
    "(?:can|could|would|will) (?:you|i|we|someone)(?: please| kindly)?(?: (?:tell|show|give) me)?" + _FOR_ME,
    "(?:is it possible|is there (?:a|any) way)(?: if| to)?(?: (?:you|i) (?:can|could))?",
    "(?:how|where) (?:do|can|should|would) i|please|let['’]s|just|(?:if|whether) (?:i|you|we) (?:can|could)",
    "see if you (?:can|could)|(?:help|assist) me(?: out)?(?: with| to| in)?|act as|your task is to|you are",
    begin="^",
    end=r"\s+",
)
# What is wished for may stand after how it came to that: "I just moved and need to update my address".
WISH = _any("need", "want(?:ed)?", "would like", "(?<=['’]d )like", "wish", "trying", end=" to ")
# "In the header, show …": what is asked comes after the comma.
FRAMES = _any(
    "in|on|at|when|if|for|after|before|with|as|given|while|since|once|assuming|based|using|imagine|instead", begin="^"
)
BOUNDARY = re.compile(
    r"[.;:!?…](?=\s|$)|[。！？…\n]|(?<=\w\w) [(\[{]|,\s|\s[-–—]\s|—|\s(?:because|since|so that|but|which|although|as i|and i|"
    r"that i|when i|if you|as it|and then|in order to|using the|so i|for me|with the following|"
    r"i (?:got|bought|just|recently|ordered|received))\b",
    re.IGNORECASE,
)

_WORD = re.compile(r"\w+")
# What a clause should not end with.
WEAK = frozenset(
    _WORD.findall(
        "a an the of to in on at for with and or but my your his her its our their this that these those is are was were be as "
        "by from i it so if than into about over some any very just not using who which"
    )
)
# What says nothing about the subject of a request.
COMMON = frozenset(
    _WORD.findall(
        "the and for that this with you your are was have has had not but can could would will from what how why they them our "
        "its about into please want wanted need like help there here just any all again check double sure yes okay also thing "
        "things something know let get got don doesn didn isn actually really now then first quick question some one two out "
        "over assist proceed confirm thanks thank hello"
    )
)
