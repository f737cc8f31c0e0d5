// dawk auth-check: all checks of a message at once, and the field that we would add to it.
#include "cmd/dawk/auth.hpp"
#include "cmd/dawk/cli.hpp"

namespace dawk::cmd {
namespace {

void check(AuthOptions const& options) {
    auto const message = read_message(options);
    Asker asker(options);
    mailauth::Checker checker(client_of(options), message->header);
    checker.body(message->body());
    auto const report = asker.run(checker.finish());
    auto const& dmarc = report.dmarc;
    Members members = {{"result", dmarc::to_string(dmarc.result)},
                       {"reason", dmarc.reason},
                       {"explanation", report.spf.explanation},
                       {"spf", Json::object(members_of(report.spf))},
                       {"spf_helo", Json::object(members_of(report.spf_helo))},
                       {"dkim", Json::object(members_of(report.dkim))},
                       {"dmarc", Json::object(members_of(dmarc))},
                       {"arc", Json::object(members_of(report.arc))},
                       {"iprev", Json::object(members_of(report.iprev))},
                       {"header", report.header}};
    auto text = text_of(report.iprev) + text_of("spf of helo", report.spf_helo) +
                text_of("spf", report.spf) + text_of(report.dkim) + text_of(report.arc) +
                text_of(dmarc);
    for (char const c : report.header)
        if (c != '\r') text += c;
    print_findings(std::move(members), std::move(text), asker);
}

}  // namespace

void add_auth_check_command(CLI::App& app) {
    auto* command = app.add_subcommand(
        "auth-check",
        "SPF, DKIM, DMARC, ARC and reverse DNS of a message as a client would send it,\n"
        "and the Authentication-Results field that it would get here");
    command->group(groups::authentication);
    auto const options = add_auth_options(*command, Wants::both);
    command->callback([options] { check(*options); });
}

}  // namespace dawk::cmd
