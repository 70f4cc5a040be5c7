# frozen_string_literal: true

# Sinatra on puma; a gem or a part of the standard library is required by the route that wants it.
require "sinatra"

set :bind, "0.0.0.0"
set :port, 4567
set :environment, :production
set :show_exceptions, false
set :raise_errors, false

get("/") { erb :home, locals: { grains: %w[rye wheat] } }
get("/health") { content_type(:text) && "ok" }

get "/json" do
  require "json"
  content_type :json
  JSON.generate(grain: "rye", kg: [1, 2.5])
end

post "/sort" do
  require "csv"
  content_type :csv
  CSV.generate { |csv| CSV.parse(request.body.read, headers: true).sort_by { |row| row["name"] }.each { |row| csv << row } }
end

get "/time" do
  require "tzinfo"
  TZInfo::Timezone.get(params[:zone]).to_local(Time.at(1_700_000_000)).strftime("%F %T %z")
end

get "/yaml" do
  require "yaml"
  YAML.load_file(File.join(__dir__, "settings.yml")).fetch("colour")
end

get "/xml" do
  require "nokogiri"
  Nokogiri::XML("<store><grain name='oats'/></store>").at_xpath("//grain/@name").value
end

get "/encode" do
  "grün".encode(params[:as]).unpack1("H*")
end

get "/digest" do
  require "digest"
  Digest::SHA256.hexdigest("rye")
end

get "/user" do
  require "etc"
  Etc.getpwuid.name
end

get "/shell" do
  `echo grain | rev`
end

get "/tls" do
  require_relative "self_request"
  self_request
end

get("/partial/:name") { |name| %w[long short].include?(name) ? erb(name.to_sym, layout: false) : halt(404) }
get("/boom") { raise "asked for" }
not_found { erb :missing }
error { erb :broken, locals: { detail: env["sinatra.error"].message } }
