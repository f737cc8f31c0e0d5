// dawk dmarc: does who the From field names stand behind this message?
#include "cmd/dawk/auth.hpp"
#include "cmd/dawk/cli.hpp"

namespace dawk::cmd {
namespace {

struct Findings {
    spf::Verdict spf;
    std::vector<dkim::Verdict> dkim;
    dmarc::Verdict dmarc;
};

dns::Inquiry<Findings> evaluate(mailauth::Client const& client, AuthMessage const& message,
                                dkim::Verifier& verifier) {
    Findings out;
    auto query = query_of(client);
    out.spf = co_await spf::check(std::move(query));
    out.dkim = co_await verifier.finish();
    auto input = mailauth::dmarc_input(client, message.header, out.spf, out.dkim);
    out.dmarc = co_await dmarc::evaluate(std::move(input));
    co_return out;
}

void check(AuthOptions const& options) {
    auto const message = read_message(options);
    auto const client = client_of(options);
    Asker asker(options);
    dkim::Options how;
    how.now = client.now;
    dkim::Verifier verifier(message->header, how);
    verifier.body(message->body());
    auto const findings = asker.run(evaluate(client, *message, verifier));
    auto members = members_of(findings.dmarc);
    members.emplace_back("spf", Json::object(members_of(findings.spf)));
    members.emplace_back("dkim", Json::object(members_of(findings.dkim)));
    print_findings(std::move(members),
                   text_of(findings.dmarc) + text_of("spf", findings.spf) + text_of(findings.dkim),
                   asker);
}

}  // namespace

void add_dmarc_command(CLI::App& app) {
    auto* command = app.add_subcommand("dmarc", "DMARC: does the author's domain stand behind it?");
    command->group(groups::authentication);
    auto* sub = command->add_subcommand(
        "check", "Evaluates SPF, DKIM and DMARC for a message as a client would send it");
    auto const options = add_auth_options(*sub, Wants::both);
    sub->callback([options] { check(*options); });
}

}  // namespace dawk::cmd
