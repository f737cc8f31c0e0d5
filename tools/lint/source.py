"""One C++ source, read for the checks: comments and strings blanked, cut into tokens, its braces classified.

A small reader, not a compiler: it knows enough of C++ to tell a block from a braced initialiser, a lambda
from an index, a function from a namespace. Where it cannot tell, it says so by `kind = "init"`.
"""
import re

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.']*|::|->|&&|\|\||==|!=|<=|>=|<<|\+\+|--|[^\s]")
_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|(?:u8|[uUL])?R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![\w])'(?:\\.|[^'\\\n])+'", re.S)
_BLOCK_WORDS = {"else", "do", "try", "const", "noexcept", "override", "final", "mutable", "requires"}


def blank(text, keep_comments=False):
    """The same text with comments and the insides of literals replaced by spaces; line ends stay."""
    def spaces(match):
        literal = match.group(0)
        if keep_comments and literal.startswith(("//", "/*")):
            return literal
        inner = re.sub(r"[^\n]", " ", literal)
        if literal.startswith("/"):
            return inner
        return '"' + inner[1:-1] + '"' if literal.endswith('"') else "'" + inner[1:-1] + "'"
    return _LITERAL.sub(spaces, text)


def comments(text):
    """(line, text) of each comment."""
    for match in _LITERAL.finditer(text):
        if match.group(0).startswith(("//", "/*")):
            yield text.count("\n", 0, match.start()) + 1, match.group(0)


class Token:
    __slots__ = ("text", "line", "match", "kind")

    def __init__(self, text, line):
        self.text, self.line = text, line
        self.match = None   # index of the other end of a bracket
        self.kind = None    # of "{": function, lambda, control, scope, block, init; of "[": lambda, index


class Source:
    def __init__(self, path, text):
        self.path, self.text = path, text
        self.code = blank(text)
        self.tokens = self._tokenize()
        self._match_brackets()
        for index, token in enumerate(self.tokens):
            if token.text == "[" and token.match is not None:
                token.kind = self._kind_of_bracket(index)
        for index, token in enumerate(self.tokens):
            if token.text == "{" and token.match is not None:
                token.kind = self._kind_of_brace(index)

    def _tokenize(self):
        tokens = []
        code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                      self.code, flags=re.M | re.S)
        for number, line in enumerate(code.split("\n"), 1):
            tokens.extend(Token(m.group(0), number) for m in _TOKEN.finditer(line))
        return tokens

    def _match_brackets(self):
        pairs = {")": "(", "]": "[", "}": "{"}
        stack = []
        for index, token in enumerate(self.tokens):
            if token.text in "([{" and len(token.text) == 1:
                stack.append(index)
            elif token.text in pairs and stack and self.tokens[stack[-1]].text == pairs[token.text]:
                other = stack.pop()
                token.match, self.tokens[other].match = other, index

    def before(self, index):
        return self.tokens[index - 1].text if index > 0 else ""

    def _kind_of_bracket(self, index):
        previous = self.before(index)
        if re.fullmatch(r"[A-Za-z_]\w*", previous) and previous not in (
                "return", "co_return", "co_await", "co_yield", "case", "else", "do"):
            return "index"
        if previous in (")", "]", ">", '"'):
            return "index"
        if previous == "[" or (index + 1 < len(self.tokens) and self.tokens[index + 1].text == "["):
            return "attribute"
        return "lambda"

    def _kind_of_brace(self, index):
        """What opens here, told by the tokens before it."""
        at = index - 1
        if at < 0:
            return "block"
        previous = self.tokens[at].text
        if previous in (";", "{", "}", ":", "else", "do", "try"):
            if previous == "{" and self.tokens[at].kind == "init":
                return "init"
            if previous != "}" or self.tokens[at].match is None or \
                    self.tokens[self.tokens[at].match].kind != "init":
                return "block"
        head = self._head(index)
        if head is not None:
            return head
        return "init"

    def _head(self, index, start=None):
        """Walks back over qualifiers and a trailing return type to the parameter list."""
        at = index - 1 if start is None else start
        while at >= 0:
            text = self.tokens[at].text
            if text == "]" and self.tokens[at].match is not None:
                opening = self.tokens[at].match
                return "lambda" if self.tokens[opening].kind == "lambda" else None
            if text == ")" and self.tokens[at].match is not None:
                return self._head_of_parens(self.tokens[at].match, at + 1 == index, index)
            if text in _BLOCK_WORDS or text in ("->", "::", "<", ">", "&", "*", ",", "&&") or \
                    re.fullmatch(r"[A-Za-z_]\w*", text):
                if text in ("namespace", "struct", "class", "union", "enum", "extern"):
                    return "scope"
                if text in ("return", "co_return", "co_await", "new", "case"):
                    return None
                at -= 1
                continue
            if text == "}" and self.tokens[at].match is not None and \
                    self.tokens[self.tokens[at].match].kind == "init":
                at = self.tokens[at].match - 1
                continue
            if text == '"' or text == ":":
                at -= 1
                continue
            return None
        return None

    def _head_of_parens(self, opening, adjacent, brace):
        words = [t.text for t in self.tokens[self.tokens[opening].match + 1:brace]]
        if words and words[0] == ",":  # a member initialiser before the last one
            return self._head(brace, opening - 1)
        if not adjacent and not (words[0] in _BLOCK_WORDS or words[0] in ("->", ":", "&", "&&")):
            return None
        if ":" in words and words[0] != "->":
            return self._after_initialiser(words)
        name = self.before(opening)
        if name in ("if", "while", "for", "switch", "catch"):
            return "control"
        if name == "constexpr" and self.before(opening - 1) == "if":
            return "control"
        if name == "]" and self.tokens[opening - 1].match is not None:
            return "lambda"
        if name in ("noexcept", "alignas", "decltype", "requires"):
            return self._head(opening - 1) or "function"
        if not adjacent or re.fullmatch(r"[A-Za-z_]\w*|>|\W+", name):
            return "function"
        return None

    @staticmethod
    def _after_initialiser(words):
        """`C(...) : a_(x), b_{y} {`: the body follows a `)` or `}`, a member's brace follows its name."""
        return "init" if re.fullmatch(r"[A-Za-z_]\w*|>", words[-1]) else "function"

    def function_bodies(self):
        """(first line, last line) of each function, the lambdas in it counted with it."""
        end = -1
        for index, token in enumerate(self.tokens):
            if token.text == "{" and token.kind == "function" and index > end:
                end = token.match
                yield token.line, self.tokens[end].line
