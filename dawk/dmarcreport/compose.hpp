// Writes a DMARC aggregate report by RFC 9990: the XML, packed, and the message that carries it.
//
//     dmarcreport::Mail mail{.report = report, .submitter = "mx.example.org", ...};
//     auto const message = dmarcreport::compose_mail(mail);       // for one address
//
// The same report and submitter always give the same file name and Report-ID, so that who gets one
// twice knows it (RFC 9990 §3.5.2). Text of others is escaped; what XML cannot hold is replaced.
// Standards: RFC 9990 §3.1, §3.5; RFC 1952; RFC 3834 §5.
#pragma once

#include <string>

#include "dawk/base/result.hpp"
#include "dawk/base/time.hpp"
#include "dawk/dmarcreport/report.hpp"
#include "dawk/mail/address.hpp"

namespace dawk::dmarcreport {

std::string to_xml(Report const& report);
std::string gzip(std::string_view octets);  // no time and no name in it: the same octets each time

// "mx.example!example.org!1700000000!1700086399!id.xml.gz"
std::string file_name(Report const& report, std::string const& submitter);
// "Report Domain: example.org Submitter: mx.example Report-ID: <id@mx.example>"
std::string subject(Report const& report, std::string const& submitter);

struct Mail {
    Report report{};
    std::string submitter{};  // domain of who reports
    mail::Address from{}, to{};
    std::string from_name{};
    std::string message_id{};  // "x@y"
    WallTime date{};
    std::string unique{};  // letters and digits nobody can foresee
};
// Errors: those of mail::Composer.
Result<std::string> compose_mail(Mail const& mail);
// With the attachment made before, for several addresses.
Result<std::string> compose_mail(Mail const& mail, std::string packed);

}  // namespace dawk::dmarcreport
