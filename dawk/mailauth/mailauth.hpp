// mailauth: who really sent this message? All checks at once, with one reading of the body, and the
// Authentication-Results field that says what came out.
//
//     mailauth::Checker checker(client, header);
//     checker.body(piece); ...
//     mailauth::Report report = dns::run(checker.finish(), look_up);   // any function Question ->
//     Answer prepend(report.header);
//
// One parser serves verdict and delivery: the header is the HeaderSection that everything else
// reads. Bounded: SPF, DKIM, DMARC and ARC bound their questions; all together at most some 150.
// Standards: RFC 7208, 6376, 9989, 8617, 8601, RFC 8601 §2.7.3 (iprev).
#pragma once

#include <string>
#include <vector>

#include "dawk/arc/arc.hpp"
#include "dawk/authres/authres.hpp"
#include "dawk/dkim/verify.hpp"
#include "dawk/dmarc/dmarc.hpp"
#include "dawk/spf/spf.hpp"

namespace dawk::mailauth {

struct Client {
    std::string ip;  // of the peer
    std::string helo;
    std::string sender;       // reverse-path, "" for <>
    std::string authserv_id;  // our name in the field
    WallTime now{};
};

struct Iprev {
    enum class Result { pass, fail, temperror, permerror };
    Result result = Result::fail;
    std::string name;  // the confirmed one
    std::string reason;
};
std::string_view to_string(Iprev::Result result) noexcept;
// At most 10 names of the address are tried.
dns::Inquiry<Iprev> check_iprev(std::string ip);

// What is known of a sender before the first octet of the message: asked while the conversation
// goes on.
struct SenderReport {
    Iprev iprev;
    spf::Verdict spf_helo, spf;
};
dns::Inquiry<SenderReport> check_sender(Client client);

struct Report : SenderReport {
    std::vector<dkim::Verdict> dkim;
    arc::Verdict arc;
    dmarc::Verdict dmarc;
    std::string header;  // the whole Authentication-Results field with CRLF
};

class Checker {
  public:
    Checker(Client client, mail::HeaderSection const& header, dkim::KeyCache* keys = nullptr);
    void body(std::string_view piece);
    // Call one of them once; the checker and the header must outlive the inquiry.
    dns::Inquiry<Report> finish();
    dns::Inquiry<Report> finish(SenderReport sender);

  private:
    Client client_;
    mail::HeaderSection const& header_;
    dkim::Verifier dkim_;
    arc::Verifier arc_;
};

std::vector<authres::MethodResult> method_results(Client const& client, Report const& report);

// The input of DMARC that SPF and DKIM make. For <> SPF counts by the HELO name (RFC 9989 §3.2.4).
dmarc::Input dmarc_input(Client const& client, mail::HeaderSection const& header,
                         spf::Verdict const& spf, std::vector<dkim::Verdict> const& dkim);

}  // namespace dawk::mailauth
