#include "dawk/mailauth/mailauth.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/spf/record.hpp"

namespace dawk::mailauth {

std::string_view to_string(Iprev::Result result) noexcept {
    switch (result) {
        case Iprev::Result::pass:
            return "pass";
        case Iprev::Result::fail:
            return "fail";
        case Iprev::Result::temperror:
            return "temperror";
        case Iprev::Result::permerror:
            return "permerror";
    }
    return "fail";
}

namespace {

constexpr std::size_t names_max = 10;

dkim::Options options_of(Client const& client, dkim::KeyCache* keys) {
    dkim::Options options;
    options.now = client.now;
    options.keys = keys;
    return options;
}

bool holds(dns::Answer const& answer, spf::Ip const& ip) {
    return std::any_of(answer.addresses.begin(), answer.addresses.end(), [&](auto const& text) {
        auto const address = spf::Ip::parse(text);
        return address && address->is_in(ip, ip.is_v6 ? 128 : 32);
    });
}

}  // namespace

dns::Inquiry<Iprev> check_iprev(std::string text) {
    Iprev out;
    auto const ip = spf::Ip::parse(text);
    if (!ip) {
        out.result = Iprev::Result::permerror;
        out.reason = "no address";
        co_return out;
    }
    dns::Question const question{dns::reverse_name(ip->text()), dns::Type::ptr};
    auto const answer = co_await dns::ask(question);
    if (answer.temporary()) out.result = Iprev::Result::temperror;
    if (answer.status == dns::Status::nxdomain || answer.status == dns::Status::no_data) {
        out.result = Iprev::Result::permerror;  // RFC 8601 §2.7.3: no name at all
    }
    out.reason = answer.names.empty() ? "no reverse name" : "no name leads back to the address";
    bool unsure = false;
    for (std::size_t i = 0; i < std::min(answer.names.size(), names_max); ++i) {
        dns::Question const forward{ascii::to_lower(answer.names[i]),
                                    ip->is_v6 ? dns::Type::aaaa : dns::Type::a};
        auto const addresses = co_await dns::ask(forward);
        unsure |= addresses.temporary();
        if (!holds(addresses, *ip)) continue;
        out.result = Iprev::Result::pass;
        out.name = forward.name;
        out.reason = "confirmed";
        co_return out;
    }
    if (unsure) out.result = Iprev::Result::temperror;
    co_return out;
}

Checker::Checker(Client client, mail::HeaderSection const& header, dkim::KeyCache* keys)
    : client_(std::move(client)),
      header_(header),
      dkim_(header, options_of(client_, keys)),
      arc_(header, options_of(client_, keys)) {}

void Checker::body(std::string_view piece) {
    dkim_.body(piece);
    arc_.body(piece);
}

dmarc::Input dmarc_input(Client const& client, mail::HeaderSection const& header,
                         spf::Verdict const& spf, std::vector<dkim::Verdict> const& dkim) {
    dmarc::Input input;
    input.authors = dmarc::author_domains(header);
    auto const at = client.sender.rfind('@');
    input.spf_domain = client.sender.empty() ? client.helo : client.sender.substr(at + 1);
    input.spf_passed = spf.result == spf::Result::pass;
    input.spf_unsure = spf.result == spf::Result::temperror;
    for (auto const& verdict : dkim) {
        // A signature that leaves the end of the body open vouches for no message (RFC 6376 §8.2).
        if (verdict.result == dkim::Result::pass && verdict.covers_body)
            input.dkim_passed.push_back(verdict.domain);
        if (verdict.result == dkim::Result::temperror) input.dkim_unsure.push_back(verdict.domain);
    }
    return input;
}

dns::Inquiry<SenderReport> check_sender(Client client) {
    SenderReport out;
    out.iprev = co_await check_iprev(client.ip);
    spf::Query const query{client.ip, client.helo, client.sender, client.authserv_id, client.now};
    out.spf_helo = co_await spf::check_helo(query);
    if (client.sender.empty()) {
        out.spf = out.spf_helo;
    } else {
        out.spf = co_await spf::check(query);
    }
    co_return out;
}

dns::Inquiry<Report> Checker::finish() {
    auto sender = co_await check_sender(client_);
    co_return co_await finish(std::move(sender));
}

dns::Inquiry<Report> Checker::finish(SenderReport sender) {
    Report report;
    static_cast<SenderReport&>(report) = std::move(sender);
    report.dkim = co_await dkim_.finish();
    report.arc = co_await arc_.finish();
    auto input = dmarc_input(client_, header_, report.spf, report.dkim);
    report.dmarc = co_await dmarc::evaluate(std::move(input));
    report.header = authres::compose(client_.authserv_id, method_results(client_, report));
    co_return report;
}

namespace {

authres::MethodResult dkim_result(dkim::Verdict const& verdict) {
    authres::MethodResult out{"dkim", std::string(dkim::to_string(verdict.result)), {}, {}};
    // A pass that leaves the end of the body open is said to be one.
    if (verdict.result != dkim::Result::pass || !verdict.covers_body) out.reason = verdict.reason;
    if (!verdict.domain.empty()) out.properties.push_back({"header", "d", verdict.domain});
    if (!verdict.identity.empty()) out.properties.push_back({"header", "i", verdict.identity});
    if (!verdict.selector.empty()) out.properties.push_back({"header", "s", verdict.selector});
    if (!verdict.algorithm.empty()) out.properties.push_back({"header", "a", verdict.algorithm});
    if (!verdict.b_prefix.empty()) out.properties.push_back({"header", "b", verdict.b_prefix});
    return out;
}

}  // namespace

std::vector<authres::MethodResult> method_results(Client const& client, Report const& report) {
    std::vector<authres::MethodResult> out;
    out.push_back({"iprev",
                   std::string(to_string(report.iprev.result)),
                   {},
                   {{"policy", "iprev", client.ip}}});
    out.push_back({"spf",
                   std::string(spf::to_string(report.spf_helo.result)),
                   {},
                   {{"smtp", "helo", client.helo}}});
    if (!client.sender.empty()) {
        out.push_back({"spf",
                       std::string(spf::to_string(report.spf.result)),
                       {},
                       {{"smtp", "mailfrom", client.sender}}});
    }
    if (report.dkim.empty()) out.push_back({"dkim", "none", {}, {}});
    for (auto const& verdict : report.dkim) out.push_back(dkim_result(verdict));
    authres::MethodResult chain{"arc", std::string(arc::to_string(report.arc.result)), {}, {}};
    if (report.arc.sets > 0)
        chain.properties.push_back(
            {"header", "oldest-pass", std::to_string(report.arc.oldest_pass)});
    if (report.arc.sets > 0) out.push_back(std::move(chain));
    authres::MethodResult verdict{
        "dmarc", std::string(dmarc::to_string(report.dmarc.result)), {}, {}};
    if (!report.dmarc.author_domain.empty())
        verdict.properties.push_back({"header", "from", report.dmarc.author_domain});
    if (report.dmarc.record) {
        verdict.properties.push_back(
            {"policy", "dmarc", std::string(dmarc::to_string(report.dmarc.requested))});
    }
    if (report.dmarc.result == dmarc::Result::permerror) verdict.reason = report.dmarc.reason;
    out.push_back(std::move(verdict));
    return out;
}

}  // namespace dawk::mailauth
