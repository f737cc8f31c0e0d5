// dawk report: what others reported about mail in the name of our domains.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>

#include "dawk/base/ascii.hpp"
#include "dawk/config/units.hpp"
#include "dawk/dmarcreport/read.hpp"
#include "dawk/mail/idna.hpp"
#include "dawk/reports_sqlite/database.hpp"

#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/json.hpp"
#include "cmd/dawk/names.hpp"

namespace dawk::cmd {
namespace {

constexpr std::size_t file_bytes_max = 64U << 20U;

struct Options {
    std::string domain;
    std::string since = "30d";
    bool reports = false;  // one line a report, not a source
    std::vector<std::string> files;
};

WallTime now() {
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
}

std::shared_ptr<reports_sqlite::Database> open_reports() {
    auto const path = database_path("reports.db");
    auto database = reports_sqlite::Database::open(path);
    if (!database) fail(database.error(), path);
    return *database;
}

// "2026-11-01", or "30d" before now.
std::int64_t since_of(std::string const& text) {
    if (auto const duration = config::parse_duration(text))
        return to_millis(now() - *duration) / 1000;
    auto const number = [&](std::size_t at, std::size_t size) {
        return ascii::to_number<unsigned>(std::string_view(text).substr(at, size));
    };
    bool const has_form = text.size() == 10 && text[4] == '-' && text[7] == '-';
    if (has_form && number(0, 4) && number(5, 2) && number(8, 2)) {
        std::chrono::year_month_day const date{std::chrono::year(static_cast<int>(*number(0, 4))),
                                               std::chrono::month(*number(5, 2)),
                                               std::chrono::day(*number(8, 2))};
        if (date.ok())
            return std::chrono::sys_days(date).time_since_epoch().count() * reports::day_seconds;
    }
    fail(Exit::usage, ascii::printable(text, 100) +
                          " is neither a date, as in 2026-11-01, nor a time, as in 30d");
}

std::string date_of(std::int64_t seconds) {
    std::chrono::year_month_day const date{std::chrono::floor<std::chrono::days>(
        std::chrono::sys_seconds(std::chrono::seconds(seconds)))};
    char text[40];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    return text;
}

reports::Query query_of(Options const& options) {
    reports::Query query;
    auto const domain = mail::to_a_labels(options.domain);
    query.domain = ascii::to_lower(domain ? *domain : options.domain);
    query.since = since_of(options.since);
    return query;
}

// Columns as wide as what stands in them; the first `left` to the left, numbers to the right.
void print_table(std::vector<std::vector<std::string>> const& rows, std::size_t left) {
    std::vector<std::size_t> widths;
    for (auto const& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (auto const& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            std::string const space(widths[i] - row[i].size(), ' ');
            line += (i > 0 ? "  " : "") + (i < left ? row[i] + space : space + row[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        print(line + '\n');
    }
}

Json json_of(reports::SourceLine const& line) {
    return Json::object({{"domain", line.domain},
                         {"source_ip", line.source_ip},
                         {"messages", line.messages},
                         {"passed", line.passed},
                         {"dkim_aligned", line.dkim_aligned},
                         {"spf_aligned", line.spf_aligned},
                         {"quarantined", line.quarantined},
                         {"rejected", line.rejected},
                         {"reports", line.reports},
                         {"first", line.first},
                         {"last", line.last}});
}

Json json_of(reports::ReportLine const& line) {
    return Json::object({{"organization", line.org_name},
                         {"report_id", line.report_id},
                         {"domain", line.domain},
                         {"begin", line.begin},
                         {"end", line.end},
                         {"received", to_millis(line.received) / 1000},
                         {"messages", line.messages},
                         {"passed", line.passed}});
}

void show_sources(Options const& options) {
    auto const lines = open_reports()->sources(query_of(options));
    if (!lines) fail(lines.error(), "reports");
    if (globals().json)
        return print_json(Json::array_of(*lines, [](auto const& line) { return json_of(line); }));
    if (lines->empty()) return print("no reports\n");
    std::vector<std::vector<std::string>> rows{{"DOMAIN", "SOURCE", "MESSAGES", "PASSED", "DKIM",
                                                "SPF", "QUARANTINED", "REJECTED", "REPORTS"}};
    for (auto const& l : *lines)
        rows.push_back({ascii::printable(l.domain, 100), ascii::printable(l.source_ip, 50),
                        std::to_string(l.messages), std::to_string(l.passed),
                        std::to_string(l.dkim_aligned), std::to_string(l.spf_aligned),
                        std::to_string(l.quarantined), std::to_string(l.rejected),
                        std::to_string(l.reports)});
    print_table(rows, 2);
}

void show_reports(Options const& options) {
    auto const lines = open_reports()->reports(query_of(options));
    if (!lines) fail(lines.error(), "reports");
    if (globals().json)
        return print_json(Json::array_of(*lines, [](auto const& line) { return json_of(line); }));
    if (lines->empty()) return print("no reports\n");
    std::vector<std::vector<std::string>> rows{
        {"DOMAIN", "FROM", "UNTIL", "ORGANIZATION", "MESSAGES", "PASSED"}};
    for (auto const& l : *lines)
        rows.push_back({ascii::printable(l.domain, 100), date_of(l.begin), date_of(l.end),
                        ascii::printable(l.org_name, 60), std::to_string(l.messages),
                        std::to_string(l.passed)});
    print_table(rows, 4);
}

std::string read_file(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    std::string out(file_bytes_max + 1, '\0');
    in.read(out.data(), static_cast<std::streamsize>(out.size()));
    if (in.bad() || (!in && !in.eof())) fail(Exit::no_input, path + ": cannot be read");
    out.resize(static_cast<std::size_t>(in.gcount()));
    if (out.size() > file_bytes_max) fail(Exit::data, path + ": it is too large for a report");
    return out;
}

// All files are tried; the exit code tells of those that were no reports.
void import(Options const& options) {
    auto const database = open_reports();
    std::size_t refused = 0;
    std::vector<Json> results;
    for (auto const& path : options.files) {
        auto const report = dmarcreport::read(read_file(path));
        if (!report) {
            ++refused;
            results.push_back(Json::object({{"file", path}, {"error", report.error().reason}}));
            if (!globals().json) print_error("dawk: " + path + ": " + report.error().reason + '\n');
            continue;
        }
        auto const kept = database->keep(*report, now());
        if (!kept) fail(kept.error(), path);
        results.push_back(
            Json::object({{"file", path},
                          {"organization", report->org_name},
                          {"domain", report->policy.domain},
                          {"report_id", report->report_id},
                          {"records", static_cast<std::uint64_t>(report->rows.size())},
                          {"skipped", report->skipped},
                          {"new", *kept}}));
        if (globals().json) continue;
        print(path + ": " + ascii::printable(report->policy.domain, 100) + ", by " +
              ascii::printable(report->org_name, 100) + ", " + std::to_string(report->rows.size()) +
              " records" + (*kept ? "" : "; it was there already") + '\n');
    }
    if (globals().json) print_json(Json::array(results));
    if (refused > 0) fail(Exit::data, "");
}

}  // namespace

void add_report_command(CLI::App& app) {
    auto* command = app.add_subcommand("report", "Reports of others about our domains' mail");
    command->group(groups::mail);
    command->require_subcommand(1);
    auto options = std::make_shared<Options>();
    auto* dmarc =
        command->add_subcommand("dmarc", "DMARC aggregate reports: who sends in our name");
    dmarc->require_subcommand(0, 1);
    dmarc->add_option("--domain", options->domain, "Only this domain and those below it");
    dmarc->add_option("--since", options->since, "From a date on, or so long ago");
    dmarc->add_flag("--reports", options->reports, "One line a report instead of a source");
    auto* importing = dmarc->add_subcommand("import", "Reads reports from files");
    importing->add_option("FILE", options->files, "XML, gzip, zip, or a message with one")
        ->required();
    importing->callback([options] { import(*options); });
    dmarc->callback([options, dmarc] {
        if (!dmarc->get_subcommands().empty()) return;
        options->reports ? show_reports(*options) : show_sources(*options);
    });
}

}  // namespace dawk::cmd
