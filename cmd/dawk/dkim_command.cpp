// dawk dkim: signatures. Each subcommand is added by a function of its own; see dkim_commands.hpp.
#include "cmd/dawk/auth.hpp"
#include "cmd/dawk/cli.hpp"
#include "cmd/dawk/dkim_commands.hpp"

namespace dawk::cmd {
namespace {

void verify(AuthOptions const& options) {
    auto const message = read_message(options);
    Asker asker(options);
    dkim::Options how;
    how.now = now_of(options);
    dkim::Verifier verifier(message->header, how);
    verifier.body(message->body());
    auto const verdicts = asker.run(verifier.finish());
    print_findings(members_of(verdicts), text_of(verdicts), asker);
}

}  // namespace

void add_dkim_verify(CLI::App& dkim) {
    auto* sub = dkim.add_subcommand("verify", "Verifies all signatures of a message");
    auto const options = add_auth_options(*sub, Wants::message);
    sub->callback([options] { verify(*options); });
}

void add_dkim_command(CLI::App& app) {
    auto* command = app.add_subcommand("dkim", "DKIM: signatures of domains and their keys");
    command->group(groups::authentication);
    add_dkim_verify(*command);
    add_dkim_keys(*command);
}

}  // namespace dawk::cmd
