# frozen_string_literal: true

require "net/http"
require "openssl"
require "socket"

# Asks a TLS server of its own and verifies it against the system's certificate store.
def self_request
  context = OpenSSL::SSL::SSLContext.new
  context.add_certificate(OpenSSL::X509::Certificate.new(File.read("/etc/sample/tls/cert.pem")),
                          OpenSSL::PKey.read(File.read("/etc/sample/tls/key.pem")))
  plain = TCPServer.new("127.0.0.1", 0)
  server = OpenSSL::SSL::SSLServer.new(plain, context)
  answering = Thread.new do
    connection = server.accept
    connection.gets("\r\n\r\n")
    connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 8\r\n\r\nover tls")
    connection.close
  end
  http = Net::HTTP.new("sample.test", plain.addr[1])
  http.ipaddr = "127.0.0.1"
  http.use_ssl = true
  http.get("/").body
ensure
  answering&.join(5)
  plain&.close
end
