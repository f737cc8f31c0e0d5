#include "dawk/config/config.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dawk/base/ascii.hpp"
#include "dawk/config/checks.hpp"
#include "dawk/config/keys.hpp"
#include "dawk/config/reader.hpp"

namespace dawk::config {
namespace {

// The whole file, but not more than one octet above what parse_document() takes; or why not.
std::string read_file(std::string const& path, std::string& text) {
    int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::strerror(errno);
    std::array<char, 16'384> buffer{};
    std::string why;
    while (text.size() <= document_bytes_max) {
        auto const got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) why = std::strerror(errno);
        if (got <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    ::close(fd);
    return why;
}

std::string_view line_of(std::string_view text, std::uint32_t number) {
    for (std::uint32_t n = 1; n < number; ++n) {
        auto const end = text.find('\n');
        if (end == text.npos) return {};
        text.remove_prefix(end + 1);
    }
    return ascii::trim(text.substr(0, text.find('\n')));
}

// What the parser of TOML says, in the words of the other problems.
std::string words_of_parser(std::string text) {
    constexpr std::string_view prefix = "Error while parsing ", line_end = "'\\n'";
    if (auto const at = text.find(line_end); at != text.npos)
        text.replace(at, line_end.size(), "the end of the line");
    auto const colon = text.find(": ");
    if (!text.starts_with(prefix) || colon == text.npos) return text;
    return "this " + text.substr(prefix.size(), colon - prefix.size()) + " cannot be read" +
           text.substr(colon);
}

// What to write instead, guessed from the line that the parser gave up at.
std::string hint_for_syntax(std::string_view text, Document::Problem const& problem) {
    if (problem.message.find("redefine") != problem.message.npos)
        return "it stands above already; remove one of the two";
    // A list that is not closed is noticed only at what follows.
    if (problem.message.find("array") != problem.message.npos)
        return "a list ends with ], and has commas between";
    auto const line = line_of(text, problem.position.line);
    if (line.starts_with('[')) return "write [name] for a table, [[name]] for one of several";
    auto const equals = line.find('=');
    if (equals == line.npos || equals == 0) return "write key = value, or [table]";
    auto const key = std::string(ascii::trim(line.substr(0, equals)));
    auto const value = ascii::trim(line.substr(equals + 1));
    if (value.empty()) return "write " + key + " = and a value";
    if (value.front() == '"')
        return value.find('"', 1) == value.npos ? "the text needs a quotation mark at its end" : "";
    auto const word = ascii::trim(value.substr(0, value.find('#')));
    bool const begins_a_word = ascii::is_alnum(value.front()) || ascii::is_eight_bit(value.front());
    bool const is_number = std::all_of(word.begin(), word.end(), ascii::is_digit);
    if (!begins_a_word || is_number) return "";
    return word.find('"') == word.npos ? "write " + key + " = \"" + std::string(word) + '"' : "";
}

Loaded make(std::string_view text, std::string file, std::optional<WallTime> look) {
    Loaded out;
    out.file = std::move(file);
    Report report;
    auto const document = parse_document(text);
    if (document.problem) {
        auto const hint = hint_for_syntax(text, *document.problem);
        report.error_at(document.problem->position, "", words_of_parser(document.problem->message),
                        hint);
        out.problems = report.take();
        return out;
    }
    auto settings = std::make_shared<mta::Settings>();
    read_settings(document.root, *settings, report);
    check_settings(*settings, report);
    complete(*settings);
    if (!settings->state_dir.empty()) out.admin_socket = settings->admin_socket;
    if (look) check_machine(*settings, *look, report);
    if (!report.failed()) out.settings = std::move(settings);
    out.problems = report.take();
    return out;
}

}  // namespace

std::string Loaded::text() const {
    std::string out;
    for (auto const& problem : problems) out += problem.text(file) + '\n';
    return out;
}

Loaded load(std::string const& path, std::optional<WallTime> look_at_machine) {
    std::string text;
    if (auto const why = read_file(path, text); !why.empty()) {
        Loaded out;
        out.file = path;
        out.problems.push_back({Problem::Severity::error, {}, "", "cannot be read: " + why, ""});
        return out;
    }
    return make(text, path, look_at_machine);
}

Loaded load_text(std::string_view text, std::string file) {
    return make(text, std::move(file), std::nullopt);
}

std::vector<std::pair<std::string, std::string>> values(mta::Settings const& settings) {
    std::vector<std::pair<std::string, std::string>> out;
    for (auto const& section : sections()) {
        bool const listed = section.path.ends_with("[]");
        std::size_t const count = listed ? list_size(section.path, settings) : 1;
        for (std::size_t i = 0; i < count; ++i) {
            for (auto const& key : keys()) {
                if (key.section() != section.path) continue;
                auto const value = value_text(key, settings, i);
                if (value.empty()) continue;
                std::string path(section.path);
                if (listed) path.insert(path.size() - 1, std::to_string(i + 1));
                path += path.empty() ? "" : ".";
                out.emplace_back(path + std::string(key.name()), value);
            }
        }
    }
    return out;
}

std::string show(mta::Settings const& settings) {
    std::string out;
    std::string last;
    for (auto const& [path, value] : values(settings)) {
        auto const dot = path.rfind('.');
        std::string const table = dot == path.npos ? "" : path.substr(0, dot);
        if (table != last) {
            auto const bracket = table.find('[');
            out += bracket == table.npos ? "\n[" + table + "]\n"
                                         : "\n[[" + table.substr(0, bracket) + "]]\n";
            last = table;
        }
        out += path.substr(dot == path.npos ? 0 : dot + 1) + " = " + value + '\n';
    }
    return out;
}

}  // namespace dawk::config
