#include "dawk/dmarcreport/compose.hpp"

#include <array>
#include <memory>

#include <zlib.h>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/mail/charset.hpp"
#include "dawk/mail/compose.hpp"
#include "dawk/mail/date.hpp"

namespace dawk::dmarcreport {
namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for (char const c : mail::scrub_utf8(text)) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else
            out += ascii::is_control(c) ? ' ' : c;  // XML 1.0 §2.2 has no controls
    }
    return out;
}

// Elements with their indentation, as people look at reports too.
class Writer {
  public:
    void open(std::string_view name) { line("<" + std::string(name) + ">"), ++depth_; }
    void close(std::string_view name) { --depth_, line("</" + std::string(name) + ">"); }
    void add(std::string_view name, std::string_view text) {
        std::string const tag(name);
        line("<" + tag + ">" + escaped(text) + "</" + tag + ">");
    }
    void add_if(std::string_view name, std::string_view text) {
        if (!text.empty()) add(name, text);
    }
    void line(std::string_view text) {
        out_.append(depth_ * 2, ' ');
        out_ += text;
        out_ += '\n';
    }
    void indent() { ++depth_; }
    void outdent() { --depth_; }
    std::string take() { return std::move(out_); }

  private:
    std::string out_;
    std::size_t depth_ = 0;
};

void write_metadata(Writer& out, Report const& report) {
    out.open("report_metadata");
    out.add("org_name", report.org_name);
    out.add("email", report.email);
    out.add_if("extra_contact_info", report.extra_contact_info);
    out.add("report_id", report.report_id);
    out.open("date_range");
    out.add("begin", std::to_string(report.begin));
    out.add("end", std::to_string(report.end));
    out.close("date_range");
    for (auto const& error : report.errors) out.add("error", error);
    out.add_if("generator", report.generator);
    out.close("report_metadata");
}

void write_policy(Writer& out, Policy const& policy) {
    out.open("policy_published");
    out.add("domain", policy.domain);
    out.add_if("discovery_method", policy.discovery_method);
    out.add("p", policy.p.empty() ? "none" : policy.p);
    out.add_if("sp", policy.sp);
    out.add_if("np", policy.np);
    out.add_if("fo", policy.fo);
    out.add_if("adkim", policy.adkim);
    out.add_if("aspf", policy.aspf);
    out.add_if("testing", policy.testing);
    out.close("policy_published");
}

void write_results(Writer& out, Record const& record) {
    out.open("auth_results");
    for (auto const& dkim : record.dkim_results) {
        out.open("dkim");
        out.add("domain", dkim.domain);
        out.add("selector", dkim.selector);
        out.add("result", dkim.result.empty() ? "none" : dkim.result);
        out.add_if("human_result", dkim.human_result);
        out.close("dkim");
    }
    for (auto const& spf : record.spf_results) {
        out.open("spf");
        out.add("domain", spf.domain);
        out.add_if("scope", spf.scope);
        out.add("result", spf.result.empty() ? "none" : spf.result);
        out.add_if("human_result", spf.human_result);
        out.close("spf");
    }
    out.close("auth_results");
}

void write_row(Writer& out, Row const& row) {
    auto const& record = row.record;
    out.open("record");
    out.open("row");
    out.add("source_ip", record.source_ip);
    out.add("count", std::to_string(row.count));
    out.open("policy_evaluated");
    out.add("disposition", record.disposition.empty() ? "none" : record.disposition);
    out.add("dkim", record.dkim.empty() ? "fail" : record.dkim);
    out.add("spf", record.spf.empty() ? "fail" : record.spf);
    for (auto const& reason : record.reasons) {
        out.open("reason");
        out.add("type", reason.type.empty() ? "other" : reason.type);
        out.add_if("comment", reason.comment);
        out.close("reason");
    }
    out.close("policy_evaluated");
    out.close("row");
    out.open("identifiers");
    out.add("header_from", record.header_from);
    out.add("envelope_from", record.envelope_from);  // empty for <> (RFC 9990 §3.1.1.10)
    out.add_if("envelope_to", record.envelope_to);
    out.close("identifiers");
    write_results(out, record);
    out.close("record");
}

// Of names and identifiers: what a file name and a dot-atom can hold.
std::string name_safe(std::string_view text) {
    std::string out;
    for (char const c : text)
        if (ascii::is_alnum(c) || c == '.' || c == '-' || c == '_') out += ascii::lower(c);
    return out;
}

std::string unique_of(Report const& report) {
    std::string out;
    for (char const c : report.report_id.substr(0, report.report_id.find('@')))
        if (ascii::is_alnum(c)) out += c;
    return out;
}

mail::AddressList list_of(std::string name, mail::Address address) {
    return {{{}, {{std::move(name), std::move(address)}}}};
}

std::string day_of(std::int64_t seconds) {
    return mail::format_date(from_millis(seconds * 1000));
}

std::string text_for_people(Mail const& mail) {
    auto const& report = mail.report;
    std::uint64_t messages = 0, failed = 0;
    for (auto const& row : report.rows) {
        messages += row.count;
        if (!row.record.passed()) failed += row.count;
    }
    return "This is a DMARC aggregate report for " + report.policy.domain +
           ".\n\nPeriod: " + day_of(report.begin) + " to\n        " + day_of(report.end) +
           "\nMessages: " + std::to_string(messages) + ", of which " + std::to_string(failed) +
           " failed\n\nThe details are in the attached file (RFC 9990). It was asked for by the "
           "rua tag of the\ndomain's DMARC record. Questions: " +
           report.email + "\n";
}

}  // namespace

std::string to_xml(Report const& report) {
    Writer out;
    out.line(R"(<?xml version="1.0" encoding="UTF-8"?>)");
    out.line("<feedback xmlns=\"" + std::string(xml_namespace) + "\">");
    out.indent();
    out.add("version", "1.0");
    write_metadata(out, report);
    write_policy(out, report.policy);
    for (auto const& row : report.rows) write_row(out, row);
    out.outdent();
    out.line("</feedback>");
    return out.take();
}

std::string gzip(std::string_view octets) {
    z_stream z{};
    int const begun =
        deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    DAWK_CHECK(begun == Z_OK);  // only memory can be missing
    std::string out(deflateBound(&z, static_cast<uLong>(octets.size())), '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(octets.data()));
    z.avail_in = static_cast<uInt>(octets.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    int const done = deflate(&z, Z_FINISH);
    DAWK_CHECK(done == Z_STREAM_END);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

std::string file_name(Report const& report, std::string const& submitter) {
    auto name = name_safe(submitter) + "!" + name_safe(report.policy.domain) + "!" +
                std::to_string(report.begin) + "!" + std::to_string(report.end);
    auto const unique = unique_of(report);
    if (!unique.empty()) name += "!" + unique;
    return name + ".xml.gz";
}

std::string subject(Report const& report, std::string const& submitter) {
    return "Report Domain: " + name_safe(report.policy.domain) +
           " Submitter: " + name_safe(submitter) + " Report-ID: <" + report.report_id + ">";
}

Result<std::string> compose_mail(Mail const& mail) {
    return compose_mail(mail, gzip(to_xml(mail.report)));
}

Result<std::string> compose_mail(Mail const& mail, std::string packed) {
    mail::Draft draft;
    draft.from = list_of(mail.from_name, mail.from);
    draft.to = list_of("", mail.to);
    draft.subject = subject(mail.report, mail.submitter);
    draft.date = mail.date;
    draft.message_id = mail.message_id;
    draft.fields.emplace_back("Auto-Submitted", "auto-generated");  // RFC 3834 §5
    draft.text = text_for_people(mail);
    draft.unique = mail.unique;
    mail::Attachment file;
    file.file_name = file_name(mail.report, mail.submitter);
    file.type = "application/gzip";
    file.source = mail::make_body_source(std::move(packed));
    draft.attachments.push_back(std::move(file));
    return mail::compose_message(std::move(draft));
}

}  // namespace dawk::dmarcreport
