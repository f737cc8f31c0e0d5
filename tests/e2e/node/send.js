// Sends mail with nodemailer: send.js HOW PORT USER PASSWORD TO
'use strict';
const nodemailer = require('nodemailer');
const [how, port, user, pass, to] = process.argv.slice(2);
const options = {
  plain: { ignoreTLS: true },
  starttls: { requireTLS: true, auth: { user, pass } },
  implicit: { secure: true, auth: { user, pass } },
  pooled: { secure: true, auth: { user, pass }, pool: true, maxConnections: 4, maxMessages: 3 },
}[how];
const transport = nodemailer.createTransport({ host: 'localhost', port: Number(port), ...options });
const message = (n) => ({
  from: user,
  to,
  subject: `nodemailer ${n}`,
  text: 'Grüße von nodemailer\n.dot\n',
  html: '<p>Grüße</p>',
  attachments: [{ filename: 'größe.bin', content: Buffer.alloc(5000, n) }],
});

(async () => {
  const count = how === 'pooled' ? 20 : 1;
  await Promise.all(Array.from({ length: count }, (_, n) => transport.sendMail(message(n))));
  transport.close();
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
