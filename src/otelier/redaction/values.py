"""What a value looks like: made by a machine, chosen as a password, a stand-in, or code."""

from __future__ import annotations

import re
from math import log2
from typing import Final

from otelier.expressions import later

# A piece of a name: letters, and a number at the end.
_PIECE: Final = later(rb"[A-Za-z]*[0-9]{0,4}|[0-9]+")
_SEPARATORS: Final = later(rb"[^A-Za-z0-9]+")
# Bits for a letter: words have some 3.5 to 4.1 in names of these lengths, drawn letters more;
# `xxxx` and `0000` have hardly any.
_DRAWN: Final = 4.2
_SAME: Final = 2.0

_STAND_IN: Final = later(
    rb"""
    [<\[{(]{1,3} [^0-9]{0,80} [>\]})]{1,3} \s* | \{ \d? \}  # <your-key>, {key}, [KEY]
    | (?: [$%@:] \{ | \$\( | \{\{ ) .*      # ${KEY}, $(pass show x), {{ key }}
    | \$ [A-Za-z_]\w* [\w/:.,@-]*           # $PASSWORD
    | % \w+ % | %\( .* | %s                 # %TOKEN%, %(key)s
    | ! [A-Za-z]+ \s .* | \# \s .*           # a YAML tag, a comment
    | [xX]{3,} | (?: [*.\#_?-] | \\u2026 | \xe2\x80\xa6 | \xe2\x80\xa2 )+   # ****, xxxx
    | .{0,40} (?: \.\.\. | \xe2\x80\xa6 | \*\*\* | xxxx | XXXX ) .{0,40} # sk-..., abc***
    | (?i: (?: your | insert | enter | put | replace | example | dummy | fake | sample
        | placeholder ) [-_ ] .* )
    | (?i: (?: my | the | some | an? | test ) [-_ ] (?: \w{1,16} [-_ ] ){0,2}
        (?: key | token | secret | password | passphrase | credentials? ) )
    | (?i: .{0,80} [-_ ] (?: here | placeholder | goes ) )
    | (?i: your \w* | redacted | masked | hidden | removed | omitted | filtered | placeholder )
    | \[? REDACTED \]? | [nN] /? [aA]
    | [A-Z]+ [0-9]? (?: _ [A-Z]+ [0-9]? )+   # YOUR_API_KEY, OPENAI_API_KEY: a variable's name
    | .{0,256} (?: \$\{ | \{\{ | \$\( | <[a-z_ -]{1,40}> ) .{0,256}
    """,
    re.VERBOSE | re.DOTALL,
)

# Where data has a secret's place, a password may well have dots, asterisks or a `$` in it: there
# only what is a placeholder as a whole is one.
_PLACEHOLDER: Final = later(
    rb"""
    [<\[{(]{1,3} [^0-9]{0,80} [>\]})]{1,3} \s* | \{ \d? \}
    | (?: [A-Za-z]{1,16} [ :/_-]? )?                    # Bearer ${TOKEN}
      (?: (?: [$%@:\#]? \{{1,2} [^{}]{0,256} \}{1,2} | \$\( [^()]{0,256} \) | < [a-z_ -]{1,40} > )
          [ :/@_-]? ){1,8}
    | \$ (?: [A-Z_][A-Z0-9_]* | [a-z_]+ | [0-9] | env:\w+ | [A-Za-z_.]* (?i: key | token
        | secret | password | passwd | pwd | credential ) [A-Za-z_]* )
    | % [A-Za-z_]\w* % | %\( \w+ \)s | %s
    | ! [A-Za-z]+ \s [\w.]+
    | (?: [A-Za-z]{1,12} [-_ ] ){0,3} [A-Za-z]{1,4} (?: \.{3} | \xe2\x80\xa6 )   # sk-abc...
    | (?: [A-Za-z]{1,12} [-_ ] ){0,3}                   # sk-..., ****, xxxx-xxxx
      (?: [xX]{3,} | \*{2,} | [.*\#_?-]+ | \\u2026 | \xe2\x80\xa6 | (?: \xe2\x80\xa2 )+ )
      (?: [-_ ] (?: [xX]{3,} | \*{2,} ) ){0,8}
    | (?i: (?: your | insert | enter | put | replace | example | dummy | fake | sample
        | placeholder ) (?: [-_ ] [a-z]{1,20} ){1,8} )
    | (?i: (?: my | the | some | an? | test ) [-_ ] (?: [a-z]{1,16} [-_ ] ){0,2}
        (?: key | token | secret | password | passphrase | credentials? ) )
    | (?i: (?: [a-z]{1,16} [-_ ] ){0,4} (?: key | token | secret | password | passphrase
        | credentials? | value | it | goes ) [-_ ] (?: goes [-_ ] )? (?: here | placeholder ) )
    | (?i: your [a-z_]* | redacted | masked | hidden | removed | omitted | filtered | placeholder )
    | \[? REDACTED \]? | [nN] /? [aA]
    | [A-Z]+ [0-9]? (?: _ [A-Z]+ [0-9]? )+
    """,
    re.VERBOSE | re.DOTALL,
)
# What otelier writes in the place of a text's rest (``truncation``).
_MORE: Final = later(rb"\xe2\x80\xa6 \[[\d,]+ more [a-z]+\]\Z")

# What stands after a telling name and is no secret.
_SAID: Final = frozenset(
    b"""
    a an the any all and or not no yes on off ok true false null none nil undefined void nan
    str string text int integer float number bool boolean bytes byte object array list dict map
    char varchar optional required password token secret key enum date datetime uuid email union
    literal unknown never self cls default value values auto inherit include omit same-origin
    hidden masked empty missing invalid incorrect wrong valid expired set unset changed reset
    updated stored encrypted hashed saved sent lost leaked forgotten known safe secure insecure
    weak strong short long simple old new good bad fine public private gone same different easy
    hard below above here there this that these what who it in is are was be been being too very
    so still now never always also just only at by for from to with without of as if when unless
    until because but than then where which must should cannot can may will would has have had
    used using please check enter env file vault prompt stdin basic bearer digest test type name
    authentication authorization management manager login reader field input based hash hashing
    working broken exactly case-sensitive stronger longer shorter up out mine yours compromised
    deprecated ignored disabled enabled managed generated rotated provided supplied
    sha1 sha256 sha384 sha512 md5 hs256 rs256 es256 base64 utf8 utf-8 oauth2 http2 pbkdf2 argon2
    argon2id bcrypt scrypt ed25519 x25519 rsa2048 rsa4096 aes128 aes256 secretstr securestring
    characters chars bits bytes letters words digits really actually quite pretty somewhat
    """.split()
)  # fmt: skip

_PATH: Final = later(
    rb"arn:|[a-z][a-z0-9+.-]{1,15}://|(?:env|file|vault|secret|ssm|keyring|keychain):|[A-Z]:\\",
    re.IGNORECASE,
)
_LOCAL: Final = later(rb"(?:~|\.{1,2})?/")
_DOTTED: Final = later(
    rb"[A-Za-z_$@][A-Za-z_$]{0,31}[0-9]{0,4}[A-Za-z_$]{0,31}[0-9]{0,4}"
    rb"(?:(?:\.|::|->|\?\.|!\.)[A-Za-z_$]{1,32}[0-9]{0,4}[A-Za-z_$]{0,31}[0-9]{0,4})+"
)
_UUID: Final = later(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TELLING: Final = later(rb"key|token|secret|credential|password|passwd|auth", re.IGNORECASE)
_NOTHING: Final = frozenset(
    b"""string str text boolean integer number object array null none true false yes no undefined
    required optional hidden include omit same-origin""".split()
)
_TOKEN: Final = later(rb"[\w.~+/=:%|-]{12,}")
_DIGITS: Final = tuple(b"%d" % digit for digit in range(10))
_LETTER: Final = later(rb"[A-Za-z\x80-\xff]")
_DIGIT: Final = later(rb"[0-9]")
_SMALL: Final = tuple(bytes([code]) for code in range(97, 123))
_LARGE: Final = tuple(bytes([code]) for code in range(65, 91))


def bits(value: bytes) -> float:
    """Shannon's entropy of ``value``, in bits for a letter."""
    size = len(value)
    shares = [value.count(letter) / size for letter in set(value)]
    return -sum(share * log2(share) for share in shares)


def worded(value: bytes) -> bool:
    """Whether ``value`` is built of words and numbers, as names are."""
    return all(_PIECE.fullmatch(piece) for piece in _SEPARATORS.split(value))


def made(value: bytes, sure: bool = False) -> bool:
    """Whether ``value`` looks drawn at random, as keys are; if ``sure``, whether it is no mask."""
    value = value[:256]
    if not value:
        return False
    measure = bits(value)
    if measure < _SAME:
        return False
    if measure >= _DRAWN:
        return True
    if sure:
        return _DIGIT.search(value) is not None or not value.islower()
    if not worded(value):
        return True
    # Words have few capitals.
    small = sum(map(value.count, _SMALL))
    large = sum(map(value.count, _LARGE))
    return min(small, large) >= 0.3 * len(value)


def stand_in(value: bytes) -> bool:
    """Whether ``value`` stands for a secret without being one: a template, a mask, nothing."""
    return not value.strip() or _STAND_IN.fullmatch(value) is not None


def placeholder(value: bytes) -> bool:
    """Whether ``value``, in a secret's own place, is as a whole a placeholder."""
    return not value.strip() or _PLACEHOLDER.fullmatch(value) is not None


def whole(value: bytes) -> bytes:
    """A text without the mark that otelier gave it where it was cut."""
    return value if value[-1:] != b"]" else value[:-64] + _MORE.sub(b"", value[-64:])


def said(value: bytes) -> bool:
    """Whether ``value`` is a word that people or schemas put after a name."""
    return value.lower().rstrip(b".,;:!?*)") in _SAID


def nothing(value: bytes) -> bool:
    """Whether data says by ``value`` that there is no secret here, or of what type it is to be."""
    return placeholder(value) or value.lower() in _NOTHING


def token(value: bytes) -> bool:
    """Whether a value that is only named as some token looks like a secret."""
    return (
        _TOKEN.fullmatch(value) is not None
        and sum(map(value.count, _DIGITS)) >= 2
        and _LETTER.search(value) is not None
        and not _UUID.fullmatch(value)
        and (_SEPARATORS.search(value) is None or made(value))
    )


def mixed(value: bytes) -> bool:
    """Whether ``value`` has both letters and digits."""
    return _LETTER.search(value) is not None and _DIGIT.search(value) is not None


def elsewhere(value: bytes) -> bool:
    """Whether ``value`` tells where something is: a path, a URL, an attribute of an object."""
    return (
        _PATH.match(value) is not None
        or _DOTTED.fullmatch(value) is not None
        or (_LOCAL.match(value) is not None and worded(value))
    )


def placed(value: bytes) -> bool:
    """Whether ``value`` is a resource's name or a path, in data."""
    return _PATH.match(value) is not None or (_LOCAL.match(value) is not None and worded(value))


def named(value: bytes) -> bool:
    """Whether ``value`` only names a secret, as a class, a header or a label does."""
    return _TELLING.search(value) is not None and _DIGIT.search(value) is None and worded(value)


def typed(value: bytes) -> bool:
    """Whether ``value`` may be a class that has to do with secrets."""
    return value[:1].isupper() and _TELLING.search(value) is not None
