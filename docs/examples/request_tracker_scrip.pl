# Request Tracker tells the bot what people answer. In RT: Admin > Global (or the queue) > Scrips > Create;
# condition "On Transaction", action "User Defined", template "Blank", stage "Normal";
# custom action preparation code: return 1;
# custom action commit code: this file, with your own three values.
my $bot_url = 'https://bot.example.com/webhooks/emotion/helpdesk';
my $secret  = 'the secret of endpoints.yml';
my $bot     = 'bot';    # the name of the bot's user in RT

use Digest::SHA qw(hmac_sha256_hex);
use Encode ();
use JSON ();
use LWP::UserAgent;

my ( $transaction, $ticket ) = ( $self->TransactionObj, $self->TicketObj );
return 1 unless $ticket->Subject =~ /\[emotion-[0-9a-f]{20}\]/;
return 1 if $transaction->CreatorObj->Name eq $bot;

my %said = ( ticket => $ticket->id . '', id => $transaction->id . '' );
if ( $transaction->Type eq 'Correspond' ) {
    $said{text} = $transaction->Content( Type => 'text/plain' ) if $transaction->ContentObj;
    # What RT answers by itself reaches the caller, but is no word of a person.
    $said{machine} = JSON::true if $transaction->CreatorObj->id == RT->SystemUser->id;
    my @files = grep { defined && length } map { $_->Filename } @{ $transaction->Attachments->ItemsArrayRef };
    $said{undelivered} = 'the file ' . join( ', ', @files ) if @files;
}
elsif ( $transaction->Type eq 'Status' && $transaction->NewValue eq 'resolved' ) {
    $said{hand_back} = JSON::true;
    $said{outcome}   = $ticket->FirstCustomFieldValue('Outcome') // '';
}
else {
    return 1;
}

my $body = JSON->new->utf8->encode( \%said );
for my $try ( 1 .. 3 ) {
    my $time   = time;
    my $answer = LWP::UserAgent->new( timeout => 5 )->post(
        $bot_url,
        'Content-Type'             => 'application/json',
        'X-Rasa-Emotion-Timestamp' => $time,
        'X-Rasa-Emotion-Signature' => 'sha256=' . hmac_sha256_hex( "$time.$body", Encode::encode_utf8($secret) ),
        Content                    => $body,
    );
    return 1 if $answer->is_success;
    RT->Logger->error( 'The bot does not take what was said in ticket ' . $ticket->id . ': ' . $answer->status_line );
    sleep 1;
}
$ticket->Comment( Content => 'The bot could not be reached: the caller has not been told this.' );
return 1;
