// DNS from a file instead of the network, for checks that must be repeatable.
//
//     {"example.com": {"TXT": ["v=spf1 -all"], "A": ["192.0.2.1"], "MX": [[10, "mx.example.com"]]},
//      "slow.example.com": "TIMEOUT", "bad.example.com": "SERVFAIL"}
//
// A name that is absent is NXDOMAIN; a type that is absent is NODATA, unless "*" says "TIMEOUT" or
// "SERVFAIL", in a name for its types, beside the names for names; a type may say so itself. A TXT
// record given as a list is several strings of one record. "SPF" lists TXT-like records of the
// obsolete type 99, which nobody asks for (RFC 7208 §3.1).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "dawk/dns/dns.hpp"

namespace dawk::mailauth {

class ZoneFile {
  public:
    // Names are compared as A-labels, without case and final dot. The error says what is wrong and
    // where.
    struct Failure {
        std::string reason;
    };
    static boost::system::result<ZoneFile, Failure> parse(std::string_view json);
    dns::Answer answer(dns::Question const& question) const;  // follows CNAMEs, 10 at most

  private:
    struct Name {
        std::map<dns::Type, dns::Answer> records;
        dns::Status otherwise = dns::Status::no_data;
    };
    std::map<std::string, Name> names_;
    dns::Status absent_ = dns::Status::nxdomain;
    friend class ZoneReader;
};

[[noreturn]] void throw_exception_from_error(ZoneFile::Failure const& failure,
                                             boost::source_location const&);

}  // namespace dawk::mailauth
