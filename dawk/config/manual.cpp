#include "dawk/config/manual.hpp"

#include <algorithm>

#include "dawk/config/keys.hpp"
#include "dawk/config/units.hpp"

namespace dawk::config {
namespace {

std::string bare(std::string_view section) {
    return std::string(section.ends_with("[]") ? section.substr(0, section.size() - 2) : section);
}

std::string header_of(Section const& section) {
    if (section.path.empty()) return "";
    if (section.path.ends_with("[]")) return "[[" + bare(section.path) + "]]";
    return '[' + std::string(section.path) + ']';
}

std::string words_of(Key const& key) {
    if (key.type() != Type::choice) return std::string(name_of(key.type()));
    std::string out;
    for (auto const word : key.words()) out += (out.empty() ? "" : ", ") + std::string(word);
    return out;
}

std::string default_of(Key const& key) {
    if (key.required) return "must be given";
    if (!key.default_words.empty()) return "default: " + std::string(key.default_words);
    auto const text = default_text(key);
    return "default: " + (text.empty() ? "none" : text);
}

// From 1s to 1h; empty where nothing but the type bounds it.
std::string range_of(Key const& key) {
    auto const type = key.type();
    auto const text = [&](std::int64_t value) {
        if (type == Type::size) return format_size(static_cast<std::uint64_t>(value));
        if (type == Type::number) return std::to_string(value);
        return format_duration(Millis(value));
    };
    bool const counts = type == Type::size || type == Type::number || type == Type::duration ||
                        type == Type::durations;
    if (!counts || key.max == INT64_MAX) return "";
    return text(key.min) + " to " + text(key.max);
}

// roff takes a backslash as the start of an escape, and a line that begins with a dot or an
// apostrophe as a request.
std::string roff(std::string_view text) {
    std::string out;
    for (char const c : text) {
        if (c == '\\')
            out += "\\e";
        else if (c == '"')
            out += "\\(dq";
        else
            out += c;
    }
    for (std::size_t at = 0; (at = out.find("§", at)) != out.npos;)
        out.replace(at, std::string("§").size(), "\\(sc");
    if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
    return out;
}

// mdoc wants each sentence on a line of its own.
std::string sentences(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        auto end = text.find(". ");
        end = end == text.npos ? text.size() : end + 1;
        out += roff(text.substr(0, end)) + '\n';
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::string wrapped(std::string_view text, std::string_view prefix, std::size_t width) {
    std::string out(prefix);
    std::size_t column = prefix.size();
    while (!text.empty()) {
        auto const space = std::min(text.find(' '), text.size());
        auto const word = text.substr(0, space);
        if (column > prefix.size() && column + 1 + word.size() > width) {
            out += '\n' + std::string(prefix);
            column = prefix.size();
        }
        if (column > prefix.size()) {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
        text.remove_prefix(std::min(space + 1, text.size()));
    }
    return out + '\n';
}

constexpr char page_start[] =
    R"(.\" Made by "dawk config keys --format mdoc" from the table of keys; do not edit.
.Dd $Mdocdate$
.Dt DAWK.TOML 5
.Os
.Sh NAME
.Nm dawk.toml
.Nd configuration of the Dawk mail transfer system
.Sh DESCRIPTION
.Xr dawk 1
reads its configuration from one file in TOML 1.0, found as
.Xr dawk 1
says.
.Bd -literal -offset indent
hostname  = \(dqmx.example.org\(dq
state_dir = \(dq/var/lib/dawk\(dq

[[listener]]
address = \(dq[::]:25\(dq
service = \(dqmx\(dq

[tls]
certificate = \(dq/etc/dawk/tls/cert.pem\(dq
key         = \(dq/etc/dawk/tls/key.pem\(dq

[[domain]]
name    = \(dqexample.org\(dq
deliver = \(dqmaildir:/var/mail/{domain}/{local}\(dq
.Ed
.Pp
Unknown keys, wrong types, values out of range and contradictions are errors;
.Ic dawk config check
says all of them at once, each with its line, its column and what to write instead.
A running server that is told to reload keeps its old configuration when the new one has errors.
.Pp
Relative paths are relative to the working directory of the process, not to the folder of the file.
.Pp
Values are of these types:
.Bl -tag -width Ds
.It text
In double quotes; where only certain words are allowed they are listed.
.It duration
A text of numbers with their units, largest first:
.Ql ms ,
.Ql s ,
.Ql m ,
.Ql h ,
.Ql d
or
.Ql w ,
as in \(dq5m\(dq, \(dq1h30m\(dq or \(dq5d\(dq.
.It size
A number of octets, or a text with a unit:
.Ql B ,
.Ql KiB ,
.Ql MiB ,
.Ql GiB
and
.Ql TiB
count by 1024,
.Ql KB ,
.Ql MB ,
.Ql GB
and
.Ql TB
by 1000.
.It list
Values in square brackets, separated by commas.
.El
)";

constexpr char page_end[] = R"(.Sh FILES
.Bl -tag -width Ds
.It Pa /etc/dawk/dawk.toml
The configuration, when neither
.Fl -config
nor
.Ev DAWK_CONFIG
names another and the working directory has none.
.It Pa examples/dawk.toml
Every key with its explanation.
.It Pa examples/quickstart.toml
A small server to try Dawk with.
.El
.Sh SEE ALSO
.Xr dawk 1 ,
.Xr dawk-config 1
.Sh SECURITY CONSIDERATIONS
Private keys and files with passwords should be readable for the server only;
.Ic dawk config check
warns of others.
A listener of service
.Ql relay
takes mail to anywhere from every address in its
.Ql allow ;
an open relay is refused.
)";

void append_key(std::string& out, Key const& key) {
    out += ".It Ic " + std::string(key.name()) + " Pq " + roff(words_of(key)) + "\n";
    out += sentences(key.doc);
    std::string facts = default_of(key);
    if (auto const range = range_of(key); !range.empty()) facts += "; " + range;
    out += ".br\n" + roff(char(std::toupper(facts.front())) + facts.substr(1)) + ".\n";
    if (!key.standard.empty()) out += roff("See " + std::string(key.standard) + ".") + '\n';
}

// A line of the example, or a commented one for what would change the server's behaviour or need
// something that is not there.
std::string example_line(Key const& key) {
    bool const has_default = !default_text(key).empty();
    bool const is_needed = key.required || key.section() == "tls";  // by the listener above it
    auto const value = key.example.empty() ? default_text(key) : std::string(key.example);
    if (value.empty()) return "";
    auto const line = std::string(key.name()) + " = " + value + '\n';
    return is_needed || has_default ? line : "#" + line;
}

constexpr char example_start[] =
    R"(# Every key of Dawk's configuration with its explanation. What is commented out has no fixed default;
# everything else shows the default, but for hostname, state_dir, [tls] and the three lists, which show
# one element of each. A real configuration is much shorter: see quickstart.toml.
#
# Made by "dawk config keys --format toml" from the table of keys; do not edit.
# Durations: "90s", "5m", "1h30m", "5d". Sizes: 1048576, "100KB", "64MiB".
# Relative paths are relative to the working directory of the process.
)";

}  // namespace

std::string manual_page() {
    std::string out = page_start;
    for (auto const& section : sections()) {
        out += section.path.empty() ? ".Sh TOP LEVEL\n" : ".Sh " + header_of(section) + '\n';
        out += sentences(section.doc);
        out += ".Bl -tag -width Ds\n";
        for (auto const& key : keys())
            if (key.section() == section.path) append_key(out, key);
        out += ".El\n";
    }
    return out + page_end;
}

std::string example_file() {
    constexpr std::size_t width = 100;
    std::string out = example_start;
    for (auto const& section : sections()) {
        out += '\n' + wrapped(section.doc, "# ", width);
        if (!section.path.empty()) out += header_of(section) + '\n';
        for (auto const& key : keys()) {
            if (key.section() != section.path) continue;
            out += '\n' + wrapped(key.doc, "# ", width);
            std::string facts = words_of(key) + "; " + default_of(key);
            if (auto const range = range_of(key); !range.empty()) facts += "; " + range;
            if (!key.standard.empty()) facts += "; " + std::string(key.standard);
            out += wrapped('(' + facts + ')', "# ", width);
            out += example_line(key);
        }
    }
    return out;
}

}  // namespace dawk::config
