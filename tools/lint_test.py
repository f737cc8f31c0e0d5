#!/usr/bin/env python3
"""Tests of the lint: each rule catches its bad snippets and lets good code through."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lint import arrows, coroutines, rfc_index, rules, source  # noqa: E402


def awaits(body, path="dawk/mta/x.cpp"):
    text = "Task<void> f() {\n" + body + "\n}\n"
    return [message for _, message in coroutines.check(source.Source(path, text))]


class CoroutineShapes(unittest.TestCase):
    GOOD = [
        "co_await f(x);",
        "auto r = co_await f(x);",
        "auto const r = co_await g->f(std::move(x), y.z());",
        "co_return co_await f(x);",
        "(void)co_await f(x);",
        "if (auto r = co_await f(); r) { g(); }",
        "if (a) co_await f(x);",
        "if (a) { co_await f(x); } else { co_await g(x); }",
        "else_ = 1; for (;;) { co_await f(x); if (a) break; }",
        "while (a) { auto r = co_await f(x); b = r ? 1 : 2; }",
        "Opts o{.name = s}; co_await f(std::move(o));",
        "auto job = [s] { return s; }; co_await f(job);",
        "switch (a) { case 1: co_await f(x); break; default: co_await g(x); }",
        "co_await f([] { return 1; });",
        "try { co_await f(x); } catch (E const& e) { g(e); }",
        "x = y ? 1 : 2; co_await f(x);",
        'co_await f("a ? b : {c}");  // co_await a ? b : c',
        "for (std::size_t i = 0; i < n; ++i) co_await f(i);",
        "asio::steady_timer timer(co_await asio::this_coro::executor);",
        "do { co_await f(x); } while (a);",
        "auto r = co_await s->read_some({&octet, 1});",
        "auto r = co_await s->read_some({buffer.data(), buffer.size()});",
        "std::vector<int> v{1, 2}; for (auto i : v) { co_await f(i); }",
    ]
    BAD = [
        "if (co_await f()) { g(); }",
        "if (!co_await f()) g();",
        "if (auto r = co_await f()) g();",
        "if (x && co_await f()) g();",
        "while (co_await f()) {}",
        "switch (co_await f()) { default: break; }",
        "for (auto x : co_await f()) g(x);",
        "for (; co_await f();) g();",
        "do { g(); } while (co_await f());",
        "co_await f(Opts{.name = s});",
        "co_await f(Opts{});",
        "auto r = co_await f({a, b});",
        "co_await f([s] { return s; });",
        "co_await f([&s](int i) { return s + i; });",
        "auto r = co_await [s]() -> Task<int> { co_return s; }();",
        "co_await (c ? f(a) : g(b));",
        "auto r = c ? co_await f(a) : b;",
        "auto r = co_await f(c ? a : b);",
        "auto r = (co_await f(a)).value();",
        "g(co_await f(a));",
        "auto r = co_await f(co_await g());",
        "auto r = co_await f(a) && b;",
        "auto r = co_await f(a) == b;",
        "bool b = !co_await f(a);",
        "std::pair p{co_await f(a), 1};",
        "asio::co_spawn(io, f(), asio::detached);",
        "auto t = [x]() -> Task<void> { co_await f(x); }; group.spawn(t());",
    ]

    def test_good_shapes_pass(self):
        for body in self.GOOD:
            with self.subTest(body):
                self.assertEqual(awaits(body), [])

    def test_bad_shapes_are_caught(self):
        for body in self.BAD:
            with self.subTest(body):
                self.assertNotEqual(awaits(body), [])

    def test_a_capturing_coroutine_lambda_is_allowed_in_a_test(self):
        body = "auto t = [&x]() -> Task<void> { co_await f(x); }; run(t());"
        self.assertEqual(awaits(body, "dawk/mta/x_test.cpp"), [])

    def test_an_await_in_a_lambda_is_judged_by_itself(self):
        self.assertEqual(awaits("auto t = []() -> Task<int> { co_return co_await f(); }; g(a ? b : c);"), [])

    def test_the_line_is_told(self):
        text = "Task<void> f() {\n    g();\n    if (co_await f())\n        h();\n}\n"
        self.assertEqual([line for line, _ in coroutines.check(source.Source("dawk/mta/x.cpp", text))], [3])


def body_of(lines):
    return "".join(f"    g({i});\n" for i in range(lines))


class Sizes(unittest.TestCase):
    def offences(self, text, path="dawk/base/x.cpp"):
        return [m for _, m in rules.check_cpp(path, text)]

    def test_a_function_of_70_lines_passes_and_71_does_not(self):
        for head in ("void f()", "int C::f(int a, std::vector<int> b) const noexcept",
                     "auto f() -> std::map<int, int>", "C::C(int x) : a_(x), b_{x}", "TEST(A, B)",
                     "template <class T> requires std::integral<T> void f(T t)"):
            with self.subTest(head):
                self.assertEqual(self.offences(head + " {\n" + body_of(68) + "}\n"), [])
                self.assertEqual(len(self.offences(head + " {\n" + body_of(69) + "}\n")), 1)

    def test_a_long_namespace_class_or_table_is_no_function(self):
        for head in ("namespace a::b", "struct S final : T", "class C", "enum class E : int", "int const table[] ="):
            with self.subTest(head):
                self.assertEqual(self.offences(head + " {\n" + "    a,\n" * 100 + "};\n"), [])

    def test_braces_in_literals_do_not_count(self):
        text = 'void f() {\n    g("{{{", \'{\', R"({ " {)");  // {{\n}\n' + "\n" * 100 + "void g() {\n}\n"
        self.assertEqual(self.offences(text), [])

    def test_a_file_of_801_lines_is_caught(self):
        self.assertEqual(self.offences("\n" * 800), [])
        self.assertEqual(len(self.offences("\n" * 801)), 1)


class Headers(unittest.TestCase):
    def offences(self, text):
        return [m for _, m in rules.check_cpp("dawk/base/x.hpp", text)]

    def test_a_header_says_what_it_is(self):
        self.assertEqual(self.offences("// What it is.\n#pragma once\n"), [])
        self.assertEqual(len(self.offences("#pragma once\n// What it is.\n")), 1)

    def test_a_header_is_guarded_and_pours_no_namespace_out(self):
        self.assertEqual(len(self.offences("// What it is.\n")), 1)
        self.assertEqual(len(self.offences("// What it is.\n#pragma once\nusing namespace std;\n")), 1)


class Determinism(unittest.TestCase):
    BAD = ["auto t = std::chrono::system_clock::now();", "auto t = steady_clock::now();", "std::random_device d;",
           "int i = rand();", "srand(1);", "auto e = getenv(\"A\");", "std::thread t(f);", "std::jthread t(f);",
           "std::this_thread::sleep_for(1s);", "std::uniform_int_distribution<int> d;", "auto t = time(nullptr);",
           "clock_gettime(CLOCK_REALTIME, &t);", "std::shuffle(a, b, c);", "RAND_bytes(a, 1);"]
    GOOD = ["co_await clock.sleep_until(t);", "using std::chrono::system_clock;", "auto x = operand();",
            "// system_clock::now()", 'log("rand()");', "env.time(0);", "auto time = get_time(x);"]

    def offences(self, line, path):
        return [m for _, m in rules.check_cpp(path, line + "\n")]

    def test_the_world_is_passed_in(self):
        for line in self.BAD:
            with self.subTest(line):
                self.assertNotEqual(self.offences(line, "dawk/mta/x.cpp"), [])

    def test_adapters_and_programs_are_the_world(self):
        for line in self.BAD:
            for path in ("dawk/net/x.cpp", "cmd/dawk/x.cpp"):
                self.assertEqual(self.offences(line, path), [])

    def test_other_code_passes(self):
        for line in self.GOOD:
            with self.subTest(line):
                self.assertEqual(self.offences(line, "dawk/mta/x.cpp"), [])


class Arrows(unittest.TestCase):
    DEPS = {"base": (set(), set()), "smtp": ({"base", "sasl"}, set()), "sasl": ({"base"}, set()),
            "rt": ({"base"}, set()), "net": ({"rt"}, set()), "mta": ({"smtp", "rt"}, {"sim"}),
            "sim": ({"rt"}, set())}

    def offences(self, path, line, deps=None):
        return [m for _, m in arrows.check(path, line + "\n", deps or self.DEPS)]

    def test_a_module_includes_what_it_depends_on(self):
        for target in ("smtp/reply.hpp", "sasl/plain.hpp", "base/result.hpp"):
            self.assertEqual(self.offences("dawk/smtp/x.cpp", f'#include "dawk/{target}"'), [])

    def test_nothing_else(self):
        self.assertNotEqual(self.offences("dawk/smtp/x.cpp", '#include "dawk/rt/clock.hpp"'), [])
        self.assertNotEqual(self.offences("dawk/mta/x.cpp", '#include "dawk/net/tcp.hpp"'), [])

    def test_the_simulation_is_for_tests(self):
        self.assertEqual(self.offences("dawk/mta/x_test.cpp", '#include "dawk/sim/world.hpp"'), [])
        self.assertNotEqual(self.offences("dawk/mta/x.cpp", '#include "dawk/sim/world.hpp"'), [])

    def test_pure_levels_touch_no_world(self):
        for target in ("<boost/asio/post.hpp>", "<fstream>", "<thread>", "<mutex>", "<sys/socket.h>", "<filesystem>"):
            self.assertNotEqual(self.offences("dawk/smtp/x.cpp", "#include " + target), [])
            self.assertEqual(self.offences("dawk/net/x.cpp", "#include " + target), [])
        self.assertEqual(self.offences("dawk/smtp/x.cpp", "#include <string>"), [])

    def test_the_fat_headers_are_banned(self):
        self.assertNotEqual(self.offences("dawk/net/x.cpp", "#include <boost/asio.hpp>"), [])
        self.assertNotEqual(self.offences("dawk/net/x.cpp", "#include <boost/asio/ssl/stream.hpp>"), [])

    def declared(self, **deps):
        return [m for _, _, m in arrows.check_declared({k: (set(v), set()) for k, v in deps.items()})]

    def test_build_files_point_down(self):
        self.assertEqual(self.declared(base=[], smtp=["base"], rt=["base"], mta=["smtp", "rt"]), [])
        self.assertNotEqual(self.declared(smtp=["rt"], rt=[]), [])
        self.assertNotEqual(self.declared(mta=["net"], net=[]), [])
        self.assertNotEqual(self.declared(net=["http"], http=[]), [])
        self.assertNotEqual(self.declared(smtp=["spf"], spf=["smtp"]), [])
        self.assertNotEqual(self.declared(newcomer=[]), [])

    def test_dependencies_are_read_from_the_build_file(self):
        own, tests = arrows.declared("dawk_module(mta EXPORTED\n DEPS base smtp LIBS OpenSSL::Crypto TEST_DEPS sim)")
        self.assertEqual((own, tests), ({"base", "smtp"}, {"sim"}))


class WordsAndCitations(unittest.TestCase):
    def test_unfinished_work_and_machine_paths_are_caught(self):
        for line in ("// TO" "DO later", "# FIX" "ME", "see /wor" "k/x", "cd /home/" "me"):
            self.assertEqual(len(list(rules.check_words(line))), 1, line)
        self.assertEqual(list(rules.check_words("method, /var/lib, homework/x")), [])

    def test_citations_have_one_form(self):
        known = {"5321": None}
        for comment in ("// RFC 5321 §4.5.3", "// RFC 5321 §§4.1, 4.2", "// RFC 5321 erratum 1"):
            self.assertEqual(list(rules.check_citations(comment, known)), [], comment)
        for comment in ("// RFC5321", "// rfc 5321", "// RFC 5321 section 4", "// RFC 5321 § 4", "// RFC 9999 §1",
                        "/* RFC-5321 */"):
            self.assertNotEqual(list(rules.check_citations(comment, known)), [], comment)

    def test_only_comments_are_read(self):
        self.assertEqual(list(rules.check_citations('char const* s = "RFC9999";', {})), [])

    def test_the_index_is_held(self):
        good = "# a comment\n1870\tyes\tSMTP SIZE\tsmtp\n5321\tno\tSMTP\t-\n"
        rows, problems = rfc_index.read(good)
        self.assertEqual(problems, [])
        self.assertEqual(list(rfc_index.check_cited(rows, {"smtp": "// RFC 1870 §3"})), [])
        self.assertEqual(len(list(rfc_index.check_cited(rows, {"smtp": "nothing"}))), 1)
        for bad in ("5321\tyes\tSMTP\t-\n", "5321\tmaybe\tSMTP\tsmtp\n", "5321 yes\n",
                    "5321\tno\tSMTP\t-\n5321\tno\tSMTP\t-\n", "5321\tno\t\t-\n"):
            self.assertNotEqual(rfc_index.read(bad)[1], [], bad)


class Tests(unittest.TestCase):
    def test_disabled_and_empty_test_files_are_caught(self):
        self.assertNotEqual(list(rules.check_test_file("#include <gtest/gtest.h>\nTEST(A, DISABLED_B) {}\n")), [])
        self.assertNotEqual(list(rules.check_test_file("#include <gtest/gtest.h>\n// TEST(A, B)\n")), [])
        self.assertEqual(list(rules.check_test_file("#include <gtest/gtest.h>\nTEST(A, B) {}\n")), [])

    def test_python_tests_do_not_sleep(self):
        self.assertNotEqual(list(rules.check_python_test("time.sle" "ep(1)")), [])
        self.assertEqual(list(rules.check_python_test("wait_until(f)")), [])


if __name__ == "__main__":
    unittest.main()
