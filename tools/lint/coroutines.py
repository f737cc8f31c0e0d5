"""Shapes of coroutine code that g++ 12.2 miscompiles, and those that lose errors or outlive their captures.

A co_await stands alone in its statement: `co_await f(x);`, `auto r = co_await f(x);`,
`co_return co_await f(x);`. See docs/design for the verified outcomes of the other shapes.
"""
_MAY_PRECEDE = {";", "{", "}", "=", "co_return", ")", "else", "do", ":", ""}
_OPERATORS = {"&&", "||", "==", "!=", "+", "<<", "/", "|"}


def check(source):
    tokens = source.tokens
    for index, token in enumerate(tokens):
        if token.text == "detached":
            yield token.line, "asio::detached swallows errors: spawn into a TaskGroup"
        if token.text == "co_await":
            yield from _check_await(source, index)
        if token.text == "[" and token.kind == "lambda" and \
                not source.path.endswith(("_test.cpp", "_bench.cpp")):
            yield from _check_coroutine_lambda(source, index)


def _statement(source, index):
    """First and last token of the statement around tokens[index], and the parens that enclose it in it."""
    tokens = source.tokens
    enclosing = []
    at = index - 1
    while at >= 0:
        token = tokens[at]
        if token.text in (")", "]") and token.match is not None:
            at = token.match - 1
            continue
        if token.text == "}" and token.match is not None:
            if tokens[token.match].kind != "init":
                break
            at = token.match - 1
            continue
        if token.text in ("(", "["):
            enclosing.append(at)
        elif token.text == "{":
            if token.kind != "init":
                break
            enclosing.append(at)
        elif token.text == ";" and not (enclosing and tokens[enclosing[-1]].text == "("):
            if not _in_for_header(tokens, at, index):
                break
        at -= 1
    first = at + 1
    at = index + 1
    while at < len(tokens):
        token = tokens[at]
        if token.text in ("(", "[") and token.match is not None:
            at = token.match + 1
            continue
        if token.text == "{" and token.match is not None:
            if token.kind in ("control", "block"):
                break
            at = token.match + 1
            continue
        if token.text == ";" or (token.text == "}" and not enclosing):
            break
        at += 1
    return first, min(at, len(tokens)), enclosing


def _in_for_header(tokens, at, index):
    """Whether the `;` at `at` and tokens[index] lie in the same parentheses."""
    depth = 0
    while at >= 0:
        text = tokens[at].text
        if text == ")" and tokens[at].match is not None:
            at = tokens[at].match
        elif text == "(":
            return tokens[at].match is not None and tokens[at].match > index
        elif text in ("{", "}") and depth == 0:
            return False
        at -= 1
    return False


def _check_await(source, index):
    tokens = source.tokens
    line = tokens[index].line
    first, last, enclosing = _statement(source, index)
    for opening in enclosing:
        if tokens[opening].text != "(":
            continue
        word = tokens[opening - 1].text
        if word == "constexpr":
            word = tokens[opening - 2].text
        if word == "for" or (word in ("if", "while", "switch") and
                             not _is_init_statement(tokens, opening, index)):
            yield line, f"co_await in the condition of {word}: await into a variable first"
            return
    harmless = [t.text for t in tokens[index + 1:index + 4]][-1:] == ["this_coro"] or \
        (index + 1 < len(tokens) and tokens[index + 1].text == "this_coro")  # never suspends
    if source.before(index) not in _MAY_PRECEDE and not harmless:
        yield line, "co_await does not stand alone: await into a variable first"
        return
    yield from _check_rest(source, index, first, last)


def _is_init_statement(tokens, opening, index):
    """`if (auto r = co_await f(); r)`: a `;` of the same parentheses follows."""
    at = index
    while at < tokens[opening].match:
        if tokens[at].text in "([{" and tokens[at].match is not None:
            at = tokens[at].match
        elif tokens[at].text == ";":
            return True
        at += 1
    return False


def _check_rest(source, index, first, last):
    tokens = source.tokens
    line = tokens[index].line
    at = first
    depth = 0
    while at < last:
        token = tokens[at]
        if token.text == "{" and token.kind in ("lambda", "function", "block", "control") and \
                token.match is not None and not token.match > index > at:
            at = token.match + 1
            continue
        if token.text == "{" and token.kind == "init" and not _is_span(tokens, at):
            yield line, "braced initialiser beside co_await: name it first"
            return
        if token.text == "?":
            yield line, "?: beside co_await: use if and else"
            return
        if token.text == "co_await" and at != index:
            if at > index:
                yield line, "two co_await in one statement"
            return
        if token.text == "[" and token.kind == "lambda" and token.match != at + 1:
            yield line, "capturing lambda beside co_await: name it first"
            return
        if at > index and depth == 0 and token.text in _OPERATORS:
            yield line, "operator beside co_await: await into a variable first"
            return
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        at += 1


def _is_span(tokens, at):
    """`{&octet, 1}` or `{x.data(), x.size()}`: a span needs no destructor, so nothing goes wrong."""
    words = [t.text for t in tokens[at + 1:at + 4]]
    return words[:1] == ["&"] or words[1:] == [".", "data"]


def _check_coroutine_lambda(source, index):
    """A lambda with captures that is itself a coroutine: its captures die with the lambda, not the task."""
    tokens = source.tokens
    if tokens[index].match is None or tokens[index].match == index + 1:
        return
    at = tokens[index].match + 1
    while at < len(tokens) and tokens[at].text not in ("{", ";", "}"):
        at = tokens[at].match + 1 if tokens[at].text in ("(", "[") and tokens[at].match else at + 1
    if at >= len(tokens) or tokens[at].text != "{" or tokens[at].match is None:
        return
    end = tokens[at].match
    at += 1
    while at < end:
        token = tokens[at]
        if token.text == "{" and token.kind == "lambda" and token.match is not None:
            at = token.match + 1
            continue
        if token.text in ("co_await", "co_return", "co_yield"):
            yield tokens[index].line, "a capturing lambda as coroutine: make it a member function"
            return
        at += 1
